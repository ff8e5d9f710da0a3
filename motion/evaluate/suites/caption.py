"""Captions of held-out clips against those of like, random and all training clips."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from motion.errors import DataError, RequestError
from motion.evaluate.action_words import check_rule
from motion.evaluate.benchmark_tokenizer import TEST_SPLIT, open_corpora
from motion.evaluate.caption_baselines import (
    BASELINES,
    CaptionedClip,
    KnownClips,
    captioned_clips,
)
from motion.evaluate.caption_suite import (
    COMPARED,
    CONTENT,
    PEOPLE,
    WHOLE,
    ClipSet,
    Scores,
    choose_clips,
    clip_sets,
    compare,
    figures,
    measure_systems,
    subset_scores,
)
from motion.evaluate.paired import LEAST_PROMPTS
from motion.evaluate.suites.measures import best_median_worst, cut, items_of
from motion.evaluate.suites.records import (
    MODEL,
    Comparison,
    ItemScores,
    Shown,
    SuiteContext,
    SuiteReport,
    SystemFigures,
)
from motion.formats.joint_positions import BODY_PARTS
from motion.generate.caption_records import CaptionConfig
from motion.generate.consensus import agreements

PUBLISHED_CLIPS = 150
SHOWN_CAPTIONS = 40
"""Captions that the details hold, evenly spread."""
RANKED_BY = "Token F1"
"""Tells the best from the worst captions."""
ALONE, RECALLED = "model alone", "memory alone"
_WHATS = {
    MODEL: "the checkpoint: what the language model writes and memory recalls, by consensus",
    ALONE: "the language model without captions of known motions",
    RECALLED: "captions of the most alike known motions by consensus, without the language model",
    **BASELINES,
}
_ABOUT = (
    "Held-out clips of every corpus (all of a small one, others evenly spread) are described by "
    "the model and by baselines that know all training clips. Every clip has several references."
)


@dataclass(frozen=True, kw_only=True)
class _Set:
    """Clips of one corpus, or all, with the scores of every system."""

    clips: ClipSet
    scores: Mapping[str, Scores]


def run(context: SuiteContext) -> SuiteReport:
    """Describe test clips and measure the words.

    Raises:
        DataError: No corpus has test clips with English captions.
        WeightsError: The checkpoint has no shared space, in which baselines look for like clips.
    """
    begin = time.process_time()
    corpora = open_corpora(context.data)
    clips = choose_clips(captioned_clips(corpora, TEST_SPLIT), context.size or PUBLISHED_CLIPS)
    if not clips:
        raise DataError(f"no corpus in {context.data} has test clips with English captions")
    texts = _own(context, clips) | _baselines(context, clips)
    sets = _sets(context, clips, texts)
    whole = sets[0]
    return SuiteReport(
        suite="caption",
        title="Captions",
        about=_ABOUT,
        systems=tuple(
            SystemFigures(
                name=name,
                what=_WHATS[name],
                group=one.clips.name,
                figures=figures(
                    one.clips, scores, context.generator.text_encoder, context.command, context.seed
                ),
            )
            for one in sets
            for name, scores in one.scores.items()
        ),
        items=_items(whole),
        compared=_compared(sets),
        shown=_shown(clips, whole, texts),
        notes=(
            "Clips of one action are many and alike in training; whoever repeats the caption of "
            "the nearest of them knows the words of the very people who wrote the references.",
            "The content rule is checked on the references themselves: see 'rule' in the details.",
        ),
        details={
            "rule": {one.clips.name: _rule(one.clips) for one in sets},
            "captions": _samples(clips, texts),
        },
        cpu_seconds=time.process_time() - begin,
    )


def _own(context: SuiteContext, clips: Sequence[CaptionedClip]) -> dict[str, list[str]]:
    """What the checkpoint says, and what its two halves say."""
    found = {MODEL: _described(context, clips, MODEL, CaptionConfig())}
    if context.generator.caption_memory() is not None:
        alone = CaptionConfig(neighbours=0)
        found[ALONE] = _described(context, clips, ALONE, alone)
        found[RECALLED] = [_recalled(context, clip) for clip in clips]
    return found


def _described(
    context: SuiteContext, clips: Sequence[CaptionedClip], system: str, config: CaptionConfig
) -> list[str]:
    found = []
    for place, clip in enumerate(clips):
        key = {
            "suite": "caption",
            "system": system,
            "config": str(config),
            "clip": clip.clip_id,
            "seed": context.seed,
        }
        found.append(context.store.values(key, partial(_caption, context, clip, config)))
        if (place + 1) % 10 == 0:
            context.progress(f"caption: {system}, {place + 1} of {len(clips)} clips")
    return found


def _caption(context: SuiteContext, clip: CaptionedClip, config: CaptionConfig) -> str:
    return context.generator.caption(clip.motion(), seed=context.seed, config=config).text


def _recalled(context: SuiteContext, clip: CaptionedClip) -> str:
    """The caption of known motions on which the others agree most."""
    memory, usual = context.generator.caption_memory(), CaptionConfig()
    assert memory is not None
    alignment, _ = context.generator.shared_space()
    place = alignment.embed_motion(clip.motion(), parts=BODY_PARTS)[0]
    said = memory.recall(place, usual.neighbours, usual.neighbour_temperature)
    agreed = dict(zip(said, agreements(list(said), said), strict=True))
    return max(sorted(said), key=lambda text: agreed[text])


def _baselines(context: SuiteContext, clips: Sequence[CaptionedClip]) -> dict[str, list[str]]:
    def make() -> dict[str, list[str]]:
        context.progress("caption: baselines")
        alignment, _ = context.generator.shared_space()
        known = KnownClips(captioned_clips(open_corpora(context.data), "train"), alignment, None)
        return known.baselines([clip.motion() for clip in clips], context.seed)

    key = {
        "suite": "caption",
        "system": "baselines",
        "clips": [clip.clip_id for clip in clips],
        "seed": context.seed,
    }
    found: dict[str, list[str]] = context.store.values(key, make)
    return found


def _sets(
    context: SuiteContext, clips: Sequence[CaptionedClip], texts: Mapping[str, Sequence[str]]
) -> list[_Set]:
    """All clips first; corpora with too few clips for an interval are left out."""
    encoder = context.generator.text_encoder
    sets = clip_sets(clips, TEST_SPLIT)
    all_clips = sets[WHOLE][0]
    whole = measure_systems(all_clips, texts, encoder)
    found = [_Set(clips=all_clips, scores=whole)]
    for name, (chosen, places) in sets.items():
        if name == WHOLE or len(places) < LEAST_PROMPTS:
            continue
        if name == PEOPLE:  # whose references are people's words alone
            own = {system: [rows[k] for k in places] for system, rows in texts.items()}
            scores = measure_systems(chosen, own, encoder)
        else:
            scores = subset_scores(whole, chosen, places, texts)
        found.append(_Set(clips=chosen, scores=scores))
    return found


def _items(whole: _Set) -> tuple[ItemScores, ...]:
    items = []
    for name in COMPARED:
        kept = list(range(len(whole.clips.clip_ids)))
        if name == CONTENT:
            decided = next(iter(whole.scores.values())).decided.tolist()
            kept = [place for place in kept if decided[place]]
        if kept:
            clips = [whole.clips.clip_ids[place] for place in kept]
            values = {
                system: scores.values[name][kept].tolist()
                for system, scores in whole.scores.items()
            }
            items.append(items_of(name, clips, values))
    return tuple(items)


def _compared(sets: Sequence[_Set]) -> tuple[Comparison, ...]:
    found = []
    for one in sets:
        for other, scores in one.scores.items():
            if other == MODEL:
                continue
            results = compare(one.clips, scores, one.scores[MODEL], (other, MODEL))
            if results:
                found.append(
                    Comparison(first=other, second=MODEL, results=results, group=one.clips.name)
                )
    return tuple(found)


def _rule(clips: ClipSet) -> dict[str, Any] | None:
    """How far the rule of content accuracy can be trusted; None: too few references."""
    try:
        return asdict(check_rule(clips.references))
    except RequestError:
        return None


def _samples(
    clips: Sequence[CaptionedClip], texts: Mapping[str, Sequence[str]]
) -> list[dict[str, str]]:
    stride = max(1, len(clips) // SHOWN_CAPTIONS)
    return [
        {"clip": clip.clip_id, "reference": clip.captions[0]}
        | {name: rows[place] for name, rows in texts.items()}
        for place, clip in enumerate(clips)
        if place % stride == 0
    ]


def _shown(
    clips: Sequence[CaptionedClip], whole: _Set, texts: Mapping[str, Sequence[str]]
) -> tuple[Shown, ...]:
    """The clips whose captions are best, middling and worst."""
    values = whole.scores[MODEL].values[RANKED_BY].tolist()
    return tuple(
        Shown(
            label=label,
            title=f"model: {texts[MODEL][place]} / people: {clips[place].captions[0]}",
            score=f"{RANKED_BY} {values[place]:.3g}",
            motion=cut(clips[place].motion()),
        )
        for label, place in best_median_worst(values, higher=True).items()
    )
