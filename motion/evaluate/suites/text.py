"""Text to motion: how well motions fit held-out captions, beside the truth and plain baselines."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from motion.evaluate.benchmark_tokenizer import open_corpora
from motion.evaluate.distribution_metrics import POOL_SIZE, TOP, matched_cosines
from motion.evaluate.evaluator import Evaluator
from motion.evaluate.protocol import NO_EVALUATOR, Figure, Protocol
from motion.evaluate.suites.measures import (
    against_model,
    contact_plot,
    protocol_of,
    shown_motions,
)
from motion.evaluate.suites.records import (
    MODEL,
    TRUTH,
    Plot,
    Shown,
    SuiteContext,
    SuiteReport,
    SystemFigures,
)
from motion.evaluate.suites.text_checks import check_prompts
from motion.evaluate.suites.text_clips import (
    TEST,
    TRAIN,
    TextItem,
    balanced,
    items_of_clips,
    known_clips,
)
from motion.evaluate.suites.text_figures import (
    COSINE,
    PHYSICAL,
    Judged,
    item_scores,
    mean_figures,
    multimodality_figure,
    physical_scores,
    replicated_figures,
)
from motion.evaluate.suites.text_systems import (
    SYSTEMS,
    Candidates,
    Texts,
    all_motions,
    checkpoint_hash,
)
from motion.representation import Motion

LEAST_CLIPS = 2
"""A distance of sets needs as many."""
_ABOUT = (
    "Held-out clips of all corpora, each corpus and each first caption in turn, with English "
    "captions that came with the corpus or were written for it; clips longer than 10 s are cut. "
    "Every system answers the same captions in the lengths of the clips. The evaluator is a "
    "text-motion retrieval model trained for this alone: it shares neither weights nor input with "
    "the model by which the generator chooses among its candidates."
)
_NOTES = (
    "Figures of this evaluator cannot be compared with those of any other, such as that of "
    "HumanML3D.",
    "Pools may hold two captions that say the same, so that real motion does not reach 1.",
    "FID is taken to the real clips that were chosen, so that of the ground truth is 0 by "
    "definition; to the whole split, where corpora have other shares, random clips would win.",
    "The nearest caption's clip is real motion of a person who does nearly the same: it bounds "
    "what remembering the training set reaches, and cannot make anything new.",
    "Programmatic checks look at joint positions alone, no learned model decides them.",
)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured."""

    clips: int = 192
    captions: int = 2
    """Of each clip."""
    varied: int = 12
    """Captions of which several motions are made."""
    seeds: int = 10
    """Motions of each of those."""

    @classmethod
    def of(cls, size: int | None) -> "Sizes":
        """As published, or shrunk to so many clips."""
        if size is None:
            return cls()
        usual = cls()
        return cls(
            clips=max(size, LEAST_CLIPS),
            captions=usual.captions,
            varied=max(1, min(usual.varied, size // 4)),
            seeds=max(2, min(usual.seeds, size // 4)),
        )


def run(context: SuiteContext) -> SuiteReport:
    """Measure text to motion on the test clips of all corpora, and by packaged prompts.

    Raises:
        DataError: There is no corpus, or none with test and training clips with captions.
        WeightsError: There is no evaluator.
        RequestError: The generator's text encoder is not the evaluator's.
    """
    begin = time.process_time()
    evaluator, sizes = Evaluator.load_default(), Sizes.of(context.size)
    evaluator.check_encoder(context.generator.text_encoder)
    corpora = open_corpora(context.data)
    known = known_clips(corpora, TRAIN)
    clips = balanced(known_clips(corpora, TEST), sizes.clips, context.seed)
    items = items_of_clips(clips, sizes.captions, context.seed)
    said = [item.text for item in items]
    texts = Texts([*said, *(text for clip in known for text in clip.captions)], context)
    candidates = Candidates(context=context, checkpoint=checkpoint_hash(context.generator))
    judged = Judged(
        clips=clips,
        items=items,
        texts=_embedded_texts(evaluator, texts, said),
        reference=evaluator.embed_motions([clip.motion() for clip in clips]),
    )
    motions = all_motions(context, clips, items, known, texts, candidates)
    protocols = _protocols(judged, evaluator, context)
    embedded = {name: evaluator.embed_motions(rows) for name, rows in motions.items()}
    scores = {
        name: {
            COSINE: tuple(matched_cosines(judged.texts, embedded[name]).tolist()),
            **physical_scores(rows),
        }
        for name, rows in motions.items()
    }
    figures = {
        name: replicated_figures(judged, embedded[name], protocols[COSINE], context.seed)
        + mean_figures(scores[name], judged, protocols)
        for name in SYSTEMS
    }
    varied = _varied(context, judged, candidates, sizes, evaluator)
    checked = check_prompts(context, candidates)
    figures[MODEL] += (multimodality_figure(varied, protocols[COSINE], context.seed),)
    measured = item_scores(scores, judged)
    shown = _shown(scores[MODEL][COSINE], said, motions)
    return SuiteReport(
        suite="text",
        title="Text to motion",
        about=_ABOUT,
        systems=(
            *(
                SystemFigures(name=name, what=what, figures=figures[name])
                for name, what in SYSTEMS.items()
            ),
            *checked.systems,
        ),
        items=(*measured, *checked.items),
        compared=against_model(measured),
        shown=shown,
        plots=(*_bars(figures), *checked.plots, *_contacts(shown)),
        notes=_NOTES,
        details={
            "evaluator": evaluator.hash,
            "clips": dict(Counter(clip.corpus.name for clip in clips)),
            "captions": len(items),
            "chance": {f"R@{k}": k / POOL_SIZE for k in TOP},
            "checks": checked.details,
        },
        cpu_seconds=time.process_time() - begin,
    )


def _embedded_texts(
    evaluator: Evaluator, texts: Texts, said: Sequence[str]
) -> Float[Tensor, "N D"]:
    with torch.no_grad():
        rows = [texts.places[text] for text in said]
        pieces = [rows[start : start + POOL_SIZE] for start in range(0, len(rows), POOL_SIZE)]
        return torch.cat([evaluator.encode_text(texts.table.gather(piece)) for piece in pieces])


def _protocols(
    judged: Judged, evaluator: Evaluator, context: SuiteContext
) -> Mapping[str, Protocol]:
    """By metric: only the cosine (and what is replicated) is the evaluator's."""
    counts = Counter(clip.corpus.name for clip in judged.clips)
    protocol = protocol_of(
        ", ".join(f"{name} {count}" for name, count in counts.items()),
        TEST,
        [clip.seconds for clip in judged.clips],
        context.command,
        notes=(f"{len(judged.items)} captions",),
        evaluator=evaluator.hash,
    )
    without = replace(protocol, evaluator=NO_EVALUATOR)
    return {COSINE: protocol, **dict.fromkeys(PHYSICAL, without)}


def _varied(
    context: SuiteContext,
    judged: Judged,
    candidates: Candidates,
    sizes: Sizes,
    evaluator: Evaluator,
) -> Float[Tensor, "P R D"]:
    """Several motions of the first captions of the first clips; their first seed is known."""
    firsts: dict[int, TextItem] = {}
    for item in judged.items:
        firsts.setdefault(item.clip, item)
    context.progress(f"text: {sizes.varied} captions with {sizes.seeds} motions each")
    chosen = list(firsts.values())[: sizes.varied]
    wishes = [
        (item.text, judged.clips[item.clip].seconds, context.seed + n)
        for item in chosen
        for n in range(sizes.seeds)
    ]
    embeddings = evaluator.embed_motions(candidates.motions(wishes))
    return rearrange(embeddings, "(P R) D -> P R D", R=sizes.seeds)


def _shown(
    cosines: Sequence[float], said: Sequence[str], motions: Mapping[str, Sequence[Motion]]
) -> tuple[Shown, ...]:
    return shown_motions(
        cosines,
        said,
        COSINE,
        lambda place: motions[MODEL][place],
        lambda place: motions[TRUTH][place],
    )


def _bars(figures: Mapping[str, Sequence[Figure]]) -> tuple[Plot, ...]:
    """R-precision of each system beside chance."""
    plots = []
    for k in TOP:
        rows = {}
        for system, found in figures.items():
            one = next(figure for figure in found if figure.name == f"R@{k}")
            low, high = one.interval or (one.value, one.value)
            rows[system] = (one.value, low, high)
        chance = k / POOL_SIZE
        rows["chance"] = (chance, chance, chance)
        plots.append(Plot(kind="bars", title=f"R@{k}", x_label="", y_label="share", rows=rows))
    return tuple(plots)


def _contacts(shown: Sequence[Shown]) -> tuple[Plot, ...]:
    """When feet stand, in the median motion and in its truth."""
    chosen = [one for one in shown if one.label == "median"] or list(shown[:1])
    plots = []
    for one in chosen:
        plots.append(contact_plot(one))
        if one.truth is not None:
            truth = replace(one, label=f"{one.label}, {TRUTH}", motion=one.truth)
            plots.append(contact_plot(truth))
    return tuple(plots)
