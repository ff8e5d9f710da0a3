"""What is lost between motions and their codes: errors of held-out clips, use of the codebooks."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from motion.data import PreparedCorpus
from motion.errors import DataError
from motion.evaluate.benchmark_tokenizer import TEST_SPLIT, open_corpora
from motion.evaluate.codebook_metrics import CodebookCounts, codebook_use
from motion.evaluate.foot_metrics import foot_metrics
from motion.evaluate.hands_face import HandsFaceSums
from motion.evaluate.metric_table import figure
from motion.evaluate.reconstruction import BODY_PARTS, MILLIMETRES, drift
from motion.evaluate.suites.measures import (
    contact_plot,
    items_of,
    mean_figure,
    protocol_of,
    shown_motions,
    spread,
)
from motion.evaluate.suites.records import (
    MODEL,
    TRUTH,
    ItemScores,
    Plot,
    Shown,
    SuiteContext,
    SuiteReport,
    SystemFigures,
)
from motion.evaluate.trajectory_metrics import acceleration_error, jerk, mpjpe, pa_mpjpe
from motion.generate import MotionGenerator
from motion.representation import (
    FPS,
    JOINT_NAMES,
    NUM_BODY_JOINTS,
    Motion,
    extract_features,
    motion_from_features,
)

ERRORS = ("MPJPE", "PA-MPJPE", "Acceleration error", "Drift at 3 s")
BOTH = ("Jerk", "Foot skate")
"""Measured on reconstruction and truth alike."""
CODES_A_ROW = 10
"""With fewer codes, a codebook seems used less than it is, and is flagged."""
LEAST_FRAMES = 4
"""Shorter clips have no jerk."""
_ABOUT = (
    "Every held-out clip is encoded and decoded whole. Truth and reconstruction start at the "
    "origin facing +z, so that nothing but the codes decides the error; joints are the 22 of the "
    "body, by forward kinematics on the mean body."
)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A clip of a corpus."""

    corpus: PreparedCorpus
    index: int

    @property
    def name(self) -> str:
        return f"{self.corpus.name}/{self.corpus.clips[self.index].clip_id}"

    def has(self, part: str) -> bool:
        return part in self.corpus.clips[self.index].parts

    @property
    def seconds(self) -> float:
        return self.corpus.clips[self.index].num_frames / FPS


def run(context: SuiteContext) -> SuiteReport:
    """Measure the tokenizer on the test clips of all corpora.

    Raises:
        DataError: There is no corpus with test clips that have a body.
    """
    begin = time.process_time()
    places = {
        corpus.name: rows
        for corpus in open_corpora(context.data)
        if (rows := _test_clips(corpus, context.size))
    }
    if not places:
        raise DataError(
            f"no corpus in {context.data} has test clips with lower and upper body; "
            "prepare one with 'motion prepare'"
        )
    places = dict(sorted(places.items(), key=lambda one: -len(one[1])))
    found = {name: _measured(context, name, rows) for name, rows in places.items()}
    shown = _shown(context.generator, [row for rows in places.values() for row in rows], found)
    return SuiteReport(
        suite="tokenizer",
        title="Tokenizer",
        about=_ABOUT,
        systems=(
            *(s for name in places for s in _systems(name, places[name], found[name], context)),
            *_codebooks(places, found, context),
        ),
        items=_items(places, found),
        shown=shown,
        plots=(_heat(found), *(contact_plot(one) for one in shown[:1])),
        notes=(
            "Jerk and foot skate of captured motion are what a reconstruction should come near to, "
            "not zero.",
        ),
        details={name: {k: row[k] for k in ("hands", "face")} for name, row in found.items()},
        cpu_seconds=time.process_time() - begin,
    )


def _test_clips(corpus: PreparedCorpus, size: int | None) -> list[_Place]:
    rows = [
        index
        for index in corpus.select(TEST_SPLIT)
        if set(corpus.clips[index].parts) >= BODY_PARTS
        and corpus.clips[index].num_frames >= LEAST_FRAMES
    ]
    return [_Place(corpus=corpus, index=rows[k]) for k in spread(len(rows), size)]


def _measured(context: SuiteContext, corpus: str, rows: Sequence[_Place]) -> Any:
    def make() -> dict[str, Any]:
        context.progress(f"tokenizer: {len(rows)} clips of {corpus}")
        return _measure(context.generator, rows)

    key = {"suite": "tokenizer", "corpus": corpus, "clips": [row.name for row in rows]}
    return context.store.values(key, make)


@torch.no_grad()
def _measure(generator: MotionGenerator, rows: Sequence[_Place]) -> dict[str, Any]:
    """Scores of each clip, mean joint errors, codebooks, hands and face."""
    tokenizer, sums, counts = generator.tokenizer, HandsFaceSums(), CodebookCounts()
    joints, frames, clips = torch.zeros(NUM_BODY_JOINTS, dtype=torch.float64), 0, []
    for row in rows:
        motion = row.corpus.motion(row.index)
        codes = tokenizer.encode(motion)
        found, truth = tokenizer.decode(codes), _canonical(motion)
        one, other = found.joints(NUM_BODY_JOINTS), truth.joints(NUM_BODY_JOINTS)
        clips.append(_scores(found, truth))
        apart = (one - one[:, :1]) - (other - other[:, :1])
        joints += torch.linalg.vector_norm(apart, dim=-1).double().sum(0)
        frames += len(one)
        sums.add(found, motion)
        counts.add(codes, {part: tokenizer.code_vectors(part).shape[1] for part in codes.parts})
    face = sums.face()
    return {
        "clips": clips,
        "joints_mm": (joints / frames * MILLIMETRES).tolist(),
        "codes": [
            {"part": part, "level": level, "counts": column.tolist()}
            for (part, level), column in counts.histograms().items()
        ],
        "hands": {name: asdict(hand) for name, hand in sums.hands().items()},
        "face": None if face is None else asdict(face),
    }


def _scores(found: Motion, truth: Motion) -> dict[str, Any]:
    one, other = found.joints(NUM_BODY_JOINTS), truth.joints(NUM_BODY_JOINTS)
    ours, real = one - one[:, :1], other - other[:, :1]
    return {
        MODEL: {
            "MPJPE": mpjpe(one, other),
            "PA-MPJPE": pa_mpjpe(one, other),
            "Acceleration error": acceleration_error(ours, real, FPS),
            "Drift at 3 s": drift(one, other),
            "Jerk": jerk(one, FPS),
            "Foot skate": foot_metrics(found).skate_ratio,
        },
        TRUTH: {"Jerk": jerk(other, FPS), "Foot skate": foot_metrics(truth).skate_ratio},
    }


def _canonical(motion: Motion) -> Motion:
    return motion_from_features(extract_features(motion))[0]


def _column(found: Any, system: str, name: str) -> list[float]:
    return [row[system][name] for row in found["clips"] if row[system][name] is not None]


def _long(rows: Sequence[_Place], found: Any, name: str) -> list[_Place]:
    """The clips that have a metric: drift needs three seconds."""
    pairs = zip(rows, found["clips"], strict=True)
    return [row for row, scores in pairs if scores[MODEL][name] is not None]


def _systems(
    name: str, rows: Sequence[_Place], found: Any, context: SuiteContext
) -> tuple[SystemFigures, ...]:
    whats = {
        MODEL: (ERRORS + BOTH, "motions after encoding and decoding"),
        TRUTH: (BOTH, "the captured motions themselves"),
    }
    return tuple(
        SystemFigures(
            name=system,
            what=what,
            group=name,
            figures=tuple(
                mean_figure(metric, values, _protocol(name, _long(rows, found, metric), context))
                for metric in metrics
                if (values := _column(found, system, metric))
            ),
        )
        for system, (metrics, what) in whats.items()
    )


def _protocol(data_set: str, rows: Sequence[_Place], context: SuiteContext) -> Any:
    seconds = [row.seconds for row in rows]
    notes = ("means of clips, each counting once",)
    return protocol_of(data_set, TEST_SPLIT, seconds, context.command, notes=notes)


def _codebooks(
    places: dict[str, list[_Place]], found: dict[str, Any], context: SuiteContext
) -> tuple[SystemFigures, ...]:
    """Usage and perplexity of every stream, over all corpora that have the part."""
    sums: dict[tuple[str, int], Tensor] = {}
    rows: dict[tuple[str, int], list[_Place]] = {}
    for name, one in found.items():
        for use in one["codes"]:
            key, counts = (use["part"], use["level"]), torch.tensor(use["counts"])
            sums[key] = sums[key] + counts if key in sums else counts
            rows.setdefault(key, []).extend(p for p in places[name] if p.has(use["part"]))
    systems = []
    for (part, level), counts in sums.items():
        use = codebook_use(part, level, counts)
        clips = rows[part, level]
        corpora = " + ".join(dict.fromkeys(place.corpus.name for place in clips))
        protocol = _protocol(corpora, clips, context)
        few = int(counts.sum()) < CODES_A_ROW * use.size
        flags = (f"{int(counts.sum())} codes for {use.size} rows",) if few else ()
        systems.append(
            SystemFigures(
                name=f"{part}, level {level + 1}",
                what=f"codebook of {use.size} rows",
                group="codebooks",
                figures=(
                    figure("Codebook usage", use.used_share, protocol, flags=flags),
                    figure("Codebook perplexity", use.perplexity, protocol, flags=flags),
                ),
            )
        )
    return tuple(systems)


def _items(places: dict[str, list[_Place]], found: dict[str, Any]) -> tuple[ItemScores, ...]:
    items = []
    for metric in ERRORS:
        names = [row.name for n, rows in places.items() for row in _long(rows, found[n], metric)]
        values = [value for n in places for value in _column(found[n], MODEL, metric)]
        if values:
            items.append(items_of(metric, names, {MODEL: values}))
    return tuple(items)


def _heat(found: dict[str, Any]) -> Plot:
    joints = zip(*(row["joints_mm"] for row in found.values()), strict=True)
    return Plot(
        kind="heat",
        title="Error of every joint from the root, mm",
        x_label="corpus",
        y_label="joint",
        rows=dict(zip(JOINT_NAMES[:NUM_BODY_JOINTS], map(tuple, joints), strict=True)),
        columns=tuple(found),
    )


def _shown(
    generator: MotionGenerator, rows: Sequence[_Place], found: dict[str, Any]
) -> tuple[Shown, ...]:
    motions = [row.corpus.motion for row in rows]

    def decoded(place: int) -> Motion:
        return generator.tokenizer.decode(
            generator.tokenizer.encode(motions[place](rows[place].index))
        )

    return shown_motions(
        [value for one in found.values() for value in _column(one, MODEL, "MPJPE")],
        [row.name for row in rows],
        "MPJPE",
        decoded,
        lambda place: _canonical(motions[place](rows[place].index)),
    )
