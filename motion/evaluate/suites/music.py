"""Dances to held-out music: beats, physics, and how far from real dances they are."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from motion.data import is_dance
from motion.errors import DataError
from motion.evaluate.beat_metrics import (
    AIST_BEATS,
    BAILANDO_BEATS,
    BeatDefinition,
    kinematic_beats,
)
from motion.evaluate.dance_metrics import (
    feature_distance,
    geometric_features,
    kinetic_features,
    physical_foot_contact,
)
from motion.evaluate.metric_table import figure
from motion.evaluate.protocol import Protocol
from motion.evaluate.sound_bars import (
    MUSIC_SECONDS,
    MusicWindow,
    beat_matrix,
    drawn_windows,
    music_figures,
)
from motion.evaluate.suites.held_out_sounds import (
    held_out_music,
    made_motions,
    matched_pairs,
    real_motions,
    right_kind_share,
    whole_windows,
)
from motion.evaluate.suites.measures import (
    against_model,
    contact_plot,
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
from motion.representation import FPS, NUM_BODY_JOINTS, Motion, body_speed

OTHER, PLAIN, REAL = "model, other music", "model without beat lock", "real dance, other music"
BEATS: Mapping[str, BeatDefinition] = {
    "Beat alignment (AIST++)": AIST_BEATS,
    "Beat alignment (Bailando)": BAILANDO_BEATS,
}
WHATS = {
    MODEL: "the checkpoint as shipped: accents are brought onto beats",
    PLAIN: "what the language model wrote, accents where it put them",
    OTHER: "the model's dances, each with all windows of other tracks: chance",
    REAL: "captured dances, drawn at random; they never heard the music",
}
_ABOUT = (
    f"Windows of {MUSIC_SECONDS} s of every held-out track, end to end, one dance each. Nobody "
    "danced to this music when it was captured, so there is no true dance; real dances are "
    "those of the prepared corpora."
)


def run(context: SuiteContext) -> SuiteReport:
    """Let the checkpoint dance.

    Raises:
        DataError: The data have no held-out music, or no clip of dance.
    """
    begin = time.process_time()
    windows = held_out_music(context)
    made = _made(context, windows)
    tables = {name: _scores(windows, motions) for name, motions in made.items()}
    items = _items(windows, tables)
    shown = shown_motions(
        tables[MODEL]["Beat alignment (AIST++)"],
        [f"{window.track}, window {place}" for place, window in enumerate(windows)],
        "Beat alignment (AIST++)",
        lambda place: made[MODEL][place],
    )
    return SuiteReport(
        suite="music",
        title="Dance to music",
        about=_ABOUT,
        systems=tuple(_systems(context, windows, made, tables)),
        items=items,
        compared=against_model(items),
        shown=shown,
        plots=(
            _overlay(windows, made[MODEL], tables[MODEL]),
            *(contact_plot(one) for one in shown[:1]),
        ),
        notes=(
            "A random moment scores 0.25 against a beat of 120 bpm: only the difference to other "
            "music says that a dance follows its own.",
            "The beat lock moves accents onto the very beats that are then measured.",
            "FID_k and FID_g need more clips than features (66 and 32) and are flagged below that.",
        ),
        details={
            "pairs": matched_pairs(context, windows, made, music_figures),
            "beats_per_minute": _tempos(windows),
            "retrieval": right_kind_share(context, "music", windows, is_dance),
        },
        cpu_seconds=time.process_time() - begin,
    )


def _made(context: SuiteContext, windows: Sequence[MusicWindow]) -> dict[str, list[Motion]]:
    def make(sound: SoundReader, seed: int, *, lock: bool) -> Motion:
        return context.generator.generate(music=sound, seed=seed, beat_lock=lock).motion

    dances = real_motions(context.data, is_dance)
    count = MUSIC_SECONDS * FPS
    if not any(motion.num_frames >= count for motion in dances):
        raise DataError(
            f"no corpus in {context.data} has a dance of {MUSIC_SECONDS} s to compare with; "
            "prepare one with: motion prepare aist"
        )
    return {
        MODEL: made_motions(context, "music", MODEL, windows, partial(make, lock=True)),
        PLAIN: made_motions(context, "music", PLAIN, windows, partial(make, lock=False)),
        REAL: drawn_windows(dances, len(windows), count, seed=context.seed),
    }


def _scores(windows: Sequence[MusicWindow], motions: Sequence[Motion]) -> dict[str, list[float]]:
    """Every metric of each window, and beat alignment with other tracks under ``OTHER``."""
    groups = np.array([window.track for window in windows])
    other = torch.from_numpy(groups[:, None] != groups[None])
    found: dict[str, list[float]] = {
        "PFC": [physical_foot_contact(m.joints(NUM_BODY_JOINTS), m.fps) for m in motions]
    }
    for name, definition in BEATS.items():
        beats = [kinematic_beats(motion, definition) for motion in motions]
        matrix = beat_matrix(beats, [window.beats for window in windows], definition)
        found[name] = matrix.diag().tolist()
        if bool(other.any(1).all()):
            found[f"{name}, {OTHER}"] = ((matrix * other).sum(1) / other.sum(1)).tolist()
    return found


def _items(
    windows: Sequence[MusicWindow], tables: Mapping[str, Mapping[str, list[float]]]
) -> tuple[ItemScores, ...]:
    tracks = [window.track for window in windows]
    items = []
    for name in (*BEATS, "PFC"):
        systems = {system: table[name] for system, table in tables.items()}
        shuffled = tables[MODEL].get(f"{name}, {OTHER}")
        if shuffled is not None:
            systems[OTHER] = shuffled
        items.append(items_of(name, tracks, systems))
    return tuple(items)


def _protocol(windows: Sequence[MusicWindow], command: str) -> Protocol:
    seconds = [float(window.sound.duration) for window in windows]
    tracks = len({window.track for window in windows})
    notes = (
        f"{tracks} tracks, drawn together in intervals",
        "beats by the tracker of the music encoder, over whole tracks",
    )
    return protocol_of("held-out music", "test + val", seconds, command, notes=notes)


def _systems(
    context: SuiteContext,
    windows: Sequence[MusicWindow],
    made: Mapping[str, Sequence[Motion]],
    tables: Mapping[str, Mapping[str, list[float]]],
) -> list[SystemFigures]:
    protocol = _protocol(windows, context.command)
    tracks = [window.track for window in windows]
    truth = whole_windows(real_motions(context.data, is_dance), MUSIC_SECONDS * FPS)
    rows = []
    for name, motions in made.items():
        figures = [
            mean_figure(metric, tables[name][metric], protocol, groups=tracks)
            for metric in (*BEATS, "PFC")
        ]
        if name != REAL:
            figures += _distances(motions, truth, protocol)
        rows.append(SystemFigures(name=name, what=WHATS[name], figures=tuple(figures)))
    other = [
        mean_figure(metric, values, protocol, groups=tracks)
        for metric in BEATS
        if (values := tables[MODEL].get(f"{metric}, {OTHER}"))
    ]
    if other:
        rows.append(SystemFigures(name=OTHER, what=WHATS[OTHER], figures=tuple(other)))
    return rows


def _distances(motions: Sequence[Motion], truth: Sequence[Motion], protocol: Protocol) -> list[Any]:
    """FID_k and FID_g to all windows of real dances."""
    if min(len(motions), len(truth)) < 2:
        return []
    found = []
    for name, features in (("FID_k", kinetic_features), ("FID_g", geometric_features)):
        ours, real = (
            torch.stack([features(m.joints(NUM_BODY_JOINTS), m.fps) for m in rows])
            for rows in (motions, truth)
        )
        frechet = feature_distance(ours, real).frechet
        note = f"against {len(truth)} windows of captured dance, training clips included"
        noted = replace(protocol, notes=(*protocol.notes, note))
        found.append(figure(name, frechet.value, noted, flags=frechet.flags))
    return found


def _tempos(windows: Sequence[MusicWindow]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for window in windows:
        if len(window.beats) > 1:
            tempo = 60 / float(window.beats.diff().median())
            found.setdefault(window.track, []).append(tempo)
    return {track: round(float(np.median(values)), 1) for track, values in found.items()}


def _overlay(
    windows: Sequence[MusicWindow],
    motions: Sequence[Motion],
    table: Mapping[str, list[float]],
) -> Plot:
    """Speed of the body with the beats of the music, in the median window."""
    values = table["Beat alignment (AIST++)"]
    place = sorted(range(len(values)), key=lambda i: values[i])[len(values) // 2]
    motion, window = motions[place], windows[place]
    speed = body_speed(motion).tolist()
    return Plot(
        kind="lines",
        title=f"Beats of the music and of the body, median window ({window.track})",
        x_label="seconds",
        y_label="mean joint speed, m/s",
        rows={
            "x": tuple((frame + 0.5) / motion.fps for frame in range(len(speed))),
            "body": tuple(map(float, speed)),
        },
        marks={
            "music": tuple(window.beats.tolist()),
            "body (AIST++)": tuple(kinematic_beats(motion, AIST_BEATS).tolist()),
        },
    )
