"""Gaps in held-out clips, and what comes after a start: the model against simple baselines."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from motion.errors import RequestError
from motion.evaluate.benchmark_tokenizer import TEST_SPLIT, open_corpora
from motion.evaluate.inbetween_suite import (
    FID_DIM,
    GapScores,
    GapTask,
    HeldOutGap,
    compare,
    cut_windows,
    fill_all,
    gap_fid,
    score,
    systems_of,
)
from motion.evaluate.metric_table import figure
from motion.evaluate.paired import LEAST_PROMPTS
from motion.evaluate.protocol import Protocol
from motion.evaluate.suites.measures import (
    contact_plot,
    few_flags,
    items_of,
    mean_figure,
    protocol_of,
    shown_motions,
)
from motion.evaluate.suites.records import (
    MODEL,
    Comparison,
    ItemScores,
    Plot,
    Shown,
    SuiteContext,
    SuiteReport,
    SystemFigures,
)
from motion.representation import FPS, Motion, join_motions

PUBLISHED_WINDOWS = 64
"""Of each length."""
GAP_SECONDS = (0.5, 1.0, 2.0, 4.0)
FID_SECONDS = 2.0
"""Gaps from this length on are compared by their Frechet distance, too."""
NAMES = {
    "ade": "ADE",
    "fde": "FDE",
    "mpjpe": "MPJPE",
    "seam_jerk": "Seam jerk",
    "skate": "Foot skate",
}
"""Fields of ``GapScores`` and the metrics that they are."""
WHATS = {
    MODEL: "the checkpoint",
    "hold last pose": "the last frame, held",
    "constant velocity": "goes on turning and moving as in the last two frames",
    "fading velocity": "velocity that fades out, as beside the model's seams",
    "linear and slerp": "straight line of the root, spherical turns of the joints",
    "smooth bridge": "smooth polynomial that meets both velocities, as beside the model's seams",
}
_ABOUT = (
    "One window of each held-out clip: a start of 0.8 to 2.4 s, the gap, an end of 0.4 to 1.6 s. "
    "All systems fill the same gaps without looking at the truth and are compared clip by clip. "
    "Prediction sees the start alone."
)
TITLES: Mapping[GapTask, str] = {"inbetweening": "in-betweening", "prediction": "prediction"}


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """One task at one length."""

    task: GapTask
    seconds: float
    windows: Sequence[HeldOutGap]
    made: Mapping[str, Sequence[Motion]]
    scores: Mapping[str, GapScores]

    @property
    def group(self) -> str:
        return f"{TITLES[self.task]}, {self.seconds:g} s"

    @property
    def with_fid(self) -> bool:
        return self.seconds >= FID_SECONDS


def run(context: SuiteContext) -> SuiteReport:
    """Fill gaps of four lengths in both tasks.

    Raises:
        RequestError: No test clip is long enough for the shortest gap.
    """
    begin = time.process_time()
    size = context.size or PUBLISHED_WINDOWS
    corpora = open_corpora(context.data)
    measured: list[_Measured] = []
    left_out: list[str] = []
    for seconds in GAP_SECONDS:
        try:
            windows = cut_windows(corpora, TEST_SPLIT, seconds, size, context.seed)
        except RequestError as error:
            if seconds == GAP_SECONDS[0]:
                raise
            left_out.append(f"{seconds:g} s is left out: {error}.")
            continue
        tasks: tuple[GapTask, ...] = get_args(GapTask)
        measured += [_measure(context, windows, task, seconds) for task in tasks]
    shown = _shown(measured)
    return SuiteReport(
        suite="inbetween",
        title="In-betweening and prediction",
        about=_ABOUT,
        systems=tuple(row for one in measured for row in _systems(one, context.command)),
        items=tuple(row for one in measured for row in _items(one)),
        compared=tuple(row for one in measured for row in _compared(one)),
        shown=shown,
        plots=(*_lines(measured), *(contact_plot(one) for one in shown[:1])),
        notes=(
            "ADE and FDE ask for the very motion that was captured; where many are as good, a "
            "still pose in the middle of them can score better than any of them.",
            *left_out,
        ),
        cpu_seconds=time.process_time() - begin,
    )


def _measure(
    context: SuiteContext, windows: Sequence[HeldOutGap], task: GapTask, seconds: float
) -> _Measured:
    context.progress(f"inbetween: {task}, {len(windows)} gaps of {seconds:g} s")

    def fill(window: HeldOutGap) -> Motion:
        key = {
            "suite": "inbetween",
            "task": task,
            "seconds": seconds,
            "clip": window.clip_id,
            "windows": len(windows),
            "seed": context.seed,
        }
        return context.store.motion(key, lambda: _filled(context, window, task, seconds))

    made = {name: fill_all(system, windows) for name, system in systems_of(fill, task).items()}
    scores = {name: score(windows, motions, task) for name, motions in made.items()}
    return _Measured(task=task, seconds=seconds, windows=windows, made=made, scores=scores)


def _filled(context: SuiteContext, window: HeldOutGap, task: GapTask, seconds: float) -> Motion:
    first, generator = window.start.num_frames, context.generator
    if task == "prediction":
        result = generator.extend(window.start, seconds)
    else:
        result = generator.inbetween(window.start, window.end, seconds)
    return result.motion.frames(first, first + window.num_frames)


def _protocol(one: _Measured, command: str) -> Protocol:
    corpora = dict.fromkeys(window.clip_id.partition("/")[0] for window in one.windows)
    return protocol_of(
        " + ".join(corpora),
        TEST_SPLIT,
        [one.seconds] * len(one.windows),
        command,
        notes=(f"{TITLES[one.task]}, one window a clip",),
    )


def _systems(one: _Measured, command: str) -> list[SystemFigures]:
    protocol = _protocol(one, command)
    rows = []
    for name, scores in one.scores.items():
        figures = [
            mean_figure(metric, getattr(scores, field).tolist(), protocol)
            for field, metric in NAMES.items()
        ]
        if one.with_fid:
            distance = gap_fid(one.windows, one.made[name])
            flags = few_flags(len(one.windows))
            figures.append(figure("Frame FID", distance, protocol, flags=flags))
        rows.append(
            SystemFigures(name=name, what=WHATS[name], group=one.group, figures=tuple(figures))
        )
    return rows


def _items(one: _Measured) -> list[ItemScores]:
    clips = [window.clip_id for window in one.windows]
    rows = []
    for field, metric in NAMES.items():
        values = {name: getattr(scores, field).tolist() for name, scores in one.scores.items()}
        real = 1.0 if metric == "Seam jerk" else None
        rows.append(items_of(metric, clips, values, group=one.group, real=real))
    return rows


def _compared(one: _Measured) -> list[Comparison]:
    if len(one.windows) < LEAST_PROMPTS:
        return []
    names = {**NAMES, "fid": f"Frame FID, {FID_DIM} axes"}
    rows = []
    for other in one.scores:
        if other == MODEL:
            continue
        results = compare(one.windows, one.scores, one.made, other, with_fid=one.with_fid)
        named = tuple(replace(result, metric=names[result.metric]) for result in results)
        rows.append(Comparison(first=other, second=MODEL, results=named, group=one.group))
    return rows


def _lines(measured: Sequence[_Measured]) -> list[Plot]:
    """Mean errors by the length of the gap, one plot a task."""
    plots = []
    for task, title in TITLES.items():
        own = [one for one in measured if one.task == task]
        if len(own) < 2:
            continue
        rows = {"x": tuple(one.seconds for one in own)}
        for name in own[0].scores:
            rows[name] = tuple(float(one.scores[name].ade.mean()) for one in own)
        plots.append(
            Plot(
                kind="lines",
                title=f"ADE by length, {title}",
                x_label="seconds",
                y_label="m",
                rows=rows,
            )
        )
    return plots


def _shown(measured: Sequence[_Measured]) -> tuple[Shown, ...]:
    """Gaps of about two seconds, with the frames around them."""
    own = [one for one in measured if one.task == "inbetweening"]
    one = min(own, key=lambda row: abs(row.seconds - FID_SECONDS))

    def whole(place: int, middle: Motion) -> Motion:
        window = one.windows[place]
        pieces = [window.start, middle, window.end]
        return join_motions([Motion.from_full_pose(p.full_pose, p.transl) for p in pieces])

    titles = [
        f"{w.clip_id}, gap from {w.start.num_frames / FPS:.1f} to "
        f"{(w.start.num_frames + w.num_frames) / FPS:.1f} s"
        for w in one.windows
    ]
    return shown_motions(
        one.scores[MODEL].ade.tolist(),
        titles,
        "ADE",
        lambda place: whole(place, one.made[MODEL][place]),
        lambda place: whole(place, one.windows[place].truth),
    )
