"""Gestures to held-out speech: strokes, mouth, and the numbers of the gesture tables.

Axes: N windows of gesture; D features of one.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from motion.data import is_gesturing
from motion.errors import DataError
from motion.evaluate.gesture_metrics import (
    UPPER_BODY,
    beat_consistency,
    frechet_gesture_distance,
    joint_angle_speed,
    l1_diversity,
    semantic_recall,
)
from motion.evaluate.inbetween_suite import frame_features
from motion.evaluate.metric_table import figure
from motion.evaluate.protocol import Figure, Protocol
from motion.evaluate.sound_bars import (
    SPEECH_SECONDS,
    SpeechWindow,
    drawn_windows,
    speech_figures,
)
from motion.evaluate.speech_metrics import (
    gesture_curves,
    mouth_scores,
    peaks,
    speech_scores,
    voice_activity,
)
from motion.evaluate.suites.held_out_sounds import (
    held_out_speech,
    made_motions,
    matched_pairs,
    real_motions,
    recorded_speech,
    right_kind_share,
    whole_windows,
)
from motion.evaluate.suites.measures import (
    against_model,
    few_flags,
    items_of,
    mean_figure,
    protocol_of,
    shown_motions,
)
from motion.evaluate.suites.records import (
    MODEL,
    ItemScores,
    Plot,
    SuiteContext,
    SuiteReport,
    SystemFigures,
)
from motion.formats import SoundReader
from motion.representation import FPS, NUM_BODY_JOINTS, Motion

PLAIN, REAL = "model without voice lock", "real gestures, other speech"
OTHER, RECORDED = "model, other speech", "the recorded gestures"
CORRELATIONS = {
    "Stroke correlation": "stroke_correlation",
    "Jaw correlation": "jaw_correlation",
}
WHATS = {
    MODEL: "the checkpoint as shipped: the mouth is kept with the voice",
    PLAIN: "what the language model wrote",
    OTHER: "the model's gestures, each with all windows of other recordings: chance",
    REAL: "captured gestures, drawn at random; they never heard the speech",
    RECORDED: "captured together with the speech",
}
FGD_FRAMES, FGD_DIM = 30, 16
"""Frames of a gesture window, and principal axes of its features."""
_FGD_NOTE = (
    f"FGD of windows of {FGD_FRAMES} frames: mean and deviation of the upper body's positions "
    f"and velocities on {FGD_DIM} principal axes of the captured windows, no learned evaluator"
)
_ABOUT = (
    f"Windows of {SPEECH_SECONDS} s of every held-out recording, end to end, one motion each. For "
    "windows that were recorded together with motion, the motion is the truth of SRGR."
)


def run(context: SuiteContext) -> SuiteReport:
    """Let the checkpoint speak with its hands.

    Raises:
        DataError: The data have no held-out speech, or no clip of gestures.
    """
    begin = time.process_time()
    windows, recorded = held_out_speech(context), recorded_speech(context)
    recorded = recorded[: context.size]
    every = [*windows, *(window for window, _ in recorded)]
    made = _made(context, every)
    tables = {name: _scores(every, motions) for name, motions in made.items()}
    items = _items(every, tables, recorded, made)
    return SuiteReport(
        suite="speech",
        title="Gestures to speech",
        about=_ABOUT,
        systems=tuple(_systems(context, every, made, tables, recorded)),
        items=items,
        compared=against_model(items),
        shown=shown_motions(
            tables[MODEL]["Stroke correlation"],
            _names(every),
            "Stroke correlation",
            lambda place: made[MODEL][place],
        ),
        plots=(_voice(every, made[MODEL]),),
        notes=(
            "There are few recordings, so windows are drawn one by one; those of one recording are "
            "alike, which makes intervals and p values somewhat too small.",
            "FGD rests on what embeds the gestures: it can be compared with no published value.",
            "Beat consistency and L1 diversity are good when near to those of captured gestures.",
            "SRGR asks for the very motion of the recording; there are few such windows.",
        ),
        details={
            "pairs": matched_pairs(context, every, made, speech_figures),
            "retrieval": right_kind_share(context, "speech", every, is_gesturing),
        },
        cpu_seconds=time.process_time() - begin,
    )


def _made(context: SuiteContext, windows: Sequence[SpeechWindow]) -> dict[str, list[Motion]]:
    def make(sound: SoundReader, seed: int, *, lock: bool) -> Motion:
        return context.generator.generate(speech=sound, seed=seed, voice_lock=lock).motion

    talks, count = real_motions(context.data, is_gesturing), SPEECH_SECONDS * FPS
    if not any(motion.num_frames >= count for motion in talks):
        raise DataError(
            f"no corpus in {context.data} has gestures of {SPEECH_SECONDS} s to compare with; "
            "prepare one with: motion prepare beat"
        )
    return {
        MODEL: made_motions(context, "speech", MODEL, windows, partial(make, lock=True)),
        PLAIN: made_motions(context, "speech", PLAIN, windows, partial(make, lock=False)),
        REAL: drawn_windows(talks, len(windows), count, seed=context.seed),
    }


def _scores(windows: Sequence[SpeechWindow], motions: Sequence[Motion]) -> dict[str, list[float]]:
    """Every metric of each window; with other recordings under ``OTHER``."""
    curves = [gesture_curves(motion) for motion in motions]
    found: dict[str, list[float]] = {name: [] for name in CORRELATIONS}
    for place, curve in enumerate(curves):
        rows = [speech_scores(curve, window.loudness) for window in windows]
        others = [k for k, w in enumerate(windows) if w.track != windows[place].track]
        for name, field in CORRELATIONS.items():
            found[name].append(getattr(rows[place], field))
            if others:
                mean = sum(getattr(rows[k], field) for k in others) / len(others)
                found.setdefault(f"{name}, {OTHER}", []).append(mean)
    found["Beat consistency"] = [
        beat_consistency(motion, peaks(window.loudness, FPS), mean_speed=_usual_speed(motions))
        for motion, window in zip(motions, windows, strict=True)
    ]
    found["L1 diversity"] = [l1_diversity([_relative(motion)]) for motion in motions]
    return found


def _usual_speed(motions: Sequence[Motion]) -> Float[Tensor, " 13"]:
    return torch.cat([joint_angle_speed(motion) for motion in motions]).mean(0)


def _relative(motion: Motion) -> Float[Tensor, "T 13 3"]:
    joints = motion.joints(NUM_BODY_JOINTS)
    return (joints - joints[:, :1])[:, list(UPPER_BODY)]


def _items(
    windows: Sequence[SpeechWindow],
    tables: Mapping[str, Mapping[str, list[float]]],
    recorded: Sequence[tuple[SpeechWindow, Motion]],
    made: Mapping[str, Sequence[Motion]],
) -> tuple[ItemScores, ...]:
    names = _names(windows)
    items = []
    for name in CORRELATIONS:
        systems = {system: table[name] for system, table in tables.items()}
        shuffled = tables[MODEL].get(f"{name}, {OTHER}")
        if shuffled is not None:
            systems[OTHER] = shuffled
        items.append(items_of(name, names, systems))
    for name in ("Beat consistency", "L1 diversity"):
        real = sum(tables[REAL][name]) / len(windows)
        systems = {n: table[name] for n, table in tables.items() if n != REAL}
        items.append(items_of(name, names, systems, real=real))
    if recorded:
        names = names[-len(recorded) :]
        recall = {n: _recalls(made[n][-len(recorded) :], recorded) for n in (MODEL, PLAIN)}
        items.append(items_of("SRGR", names, recall))
    return tuple(items)


def _names(windows: Sequence[SpeechWindow]) -> list[str]:
    return [f"{window.track}, window {place}" for place, window in enumerate(windows)]


def _recalls(
    motions: Sequence[Motion], recorded: Sequence[tuple[SpeechWindow, Motion]]
) -> list[float]:
    """Share of the upper body's joints within 10 cm of the recorded ones, roots at the origin."""
    return [
        semantic_recall(_relative(motion), _relative(truth))
        for motion, (_, truth) in zip(motions, recorded, strict=True)
    ]


def _systems(
    context: SuiteContext,
    windows: Sequence[SpeechWindow],
    made: Mapping[str, Sequence[Motion]],
    tables: Mapping[str, Mapping[str, list[float]]],
    recorded: Sequence[tuple[SpeechWindow, Motion]],
) -> list[SystemFigures]:
    protocol = _protocol(windows, context.command)
    talks = whole_windows(real_motions(context.data, is_gesturing), FGD_FRAMES)
    voice = torch.cat([voice_activity(window.loudness) for window in windows])
    rows = []
    for name, motions in made.items():
        figures = [
            mean_figure(metric, tables[name][metric], protocol)
            for metric in (*CORRELATIONS, "Beat consistency", "L1 diversity")
        ]
        opening = torch.cat([gesture_curves(motion).jaw for motion in motions])
        figures.append(figure("Mouth AUC", mouth_scores(opening, voice).auc, protocol))
        if name != REAL:
            figures += _distance(motions, talks, protocol)
            figures += _recall_figure(motions, recorded, context)
        rows.append(SystemFigures(name=name, what=WHATS[name], figures=tuple(figures)))
    other = [
        mean_figure(metric, values, protocol)
        for metric in CORRELATIONS
        if (values := tables[MODEL].get(f"{metric}, {OTHER}"))
    ]
    if other:
        rows.append(SystemFigures(name=OTHER, what=WHATS[OTHER], figures=tuple(other)))
    return rows


def _protocol(windows: Sequence[SpeechWindow], command: str) -> Protocol:
    seconds = [float(window.sound.duration) for window in windows]
    recordings = len({window.track for window in windows})
    notes = (f"windows of {recordings} recordings count as if each were of its own",)
    return protocol_of("held-out speech", "test + val", seconds, command, notes=notes)


def _distance(
    motions: Sequence[Motion], talks: Sequence[Motion], protocol: Protocol
) -> list[Figure]:
    if len(talks) < 2:
        return []
    rows = torch.stack([_window_features(window) for window in talks])
    centre = rows.mean(0)
    axes = torch.linalg.svd(rows - centre, full_matrices=False).Vh[:FGD_DIM].T

    def embed(motion: Motion) -> Float[Tensor, "N D"]:
        pieces = whole_windows([motion], FGD_FRAMES)
        rows = torch.stack([_window_features(piece) for piece in pieces])
        found: Tensor = (rows - centre) @ axes
        return found

    distance = frechet_gesture_distance(embed, motions, talks)
    against = f"against {len(talks)} captured ones, training clips included"
    noted = replace(protocol, notes=(*protocol.notes, _FGD_NOTE, against))
    return [figure("FGD", distance.value, noted, flags=distance.flags)]


def _window_features(motion: Motion) -> Float[Tensor, " D"]:
    """Mean and deviation over a window of positions and velocities of the upper body."""
    rows = rearrange(frame_features(motion).double(), "t (j c) -> t j c", c=3)
    places = [joint - 1 for joint in UPPER_BODY]  # the root has a velocity alone
    speeds = [NUM_BODY_JOINTS - 1 + joint for joint in UPPER_BODY]
    kept = rows[:, places + speeds].flatten(1)
    return torch.cat([kept.mean(0), kept.std(0)])


def _recall_figure(
    motions: Sequence[Motion],
    recorded: Sequence[tuple[SpeechWindow, Motion]],
    context: SuiteContext,
) -> list[Figure]:
    if not recorded:
        return []
    values = _recalls(motions[-len(recorded) :], recorded)
    windows = [window for window, _ in recorded]
    notes = ("frames count alike: nobody scored their meaning", "upper body, roots at the origin")
    protocol = _protocol(windows, context.command)
    protocol = replace(protocol, notes=(*protocol.notes, *notes))
    value = sum(values) / len(values)
    return [figure("SRGR", value, protocol, flags=few_flags(len(values)))]


def _voice(windows: Sequence[SpeechWindow], motions: Sequence[Motion]) -> Plot:
    """Loudness, arms and jaw of the first window, each over its largest value."""
    curves, loudness = gesture_curves(motions[0]), windows[0].loudness
    rows = {"loudness": loudness, "arms": curves.arms, "jaw": curves.jaw}
    scaled = {
        name: tuple((row / row.abs().max().clamp(min=1e-9)).double().tolist())
        for name, row in rows.items()
    }
    return Plot(
        kind="lines",
        title=f"Voice, arms and jaw ({windows[0].track})",
        x_label="seconds",
        y_label="share of the largest",
        rows={"x": tuple(frame / FPS for frame in range(len(loudness))), **scaled},
        marks={"strokes": tuple(curves.strokes.tolist())},
    )
