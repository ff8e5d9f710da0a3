"""How good captions are: overlap, meaning and content, of several systems on the same clips.

Axis letter added here: ``N`` captions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from motion.conditioners import TextEncoder
from motion.data.captioning import all_texts
from motion.errors import RequestError
from motion.evaluate.action_words import content_of, is_right
from motion.evaluate.caption_baselines import CaptionedClip
from motion.evaluate.metric_table import figure, metric
from motion.evaluate.paired import (
    LEAST_PROMPTS,
    PairedResult,
    PairedScores,
    compare_sets,
    compare_systems,
    with_verdicts,
)
from motion.evaluate.prompts import wilson_interval
from motion.evaluate.protocol import NO_EVALUATOR, Figure, Protocol
from motion.evaluate.text_metrics import (
    bleu_counts,
    bleu_of,
    cider_each,
    embedding_scores_each,
    rouge_l_each,
)
from motion.representation import FPS
from motion.tasks.caption_words import TOKENIZATION

WHOLE, PEOPLE = "all", "people"
"""Name of the set of all clips, and of those that people described, held to their words alone."""
BLEUS = tuple(f"BLEU-{n}" for n in (1, 2, 3, 4))
MEANING = ("Text cosine", "Token F1")
"""Decided by the text encoder."""
CONTENT = "Content accuracy"
COMPARED = ("ROUGE-L", "CIDEr", *MEANING, CONTENT)
"""Metrics with a value a caption; BLEU-4, a number of the set, is compared as well."""
RESAMPLES = 1000
_RULE = (
    "right: the caption names (action_words.yaml) an action that as many references name as any "
    "other, and its side where at least two and half of those references agree on one; clips "
    "whose references name no action are left out"
)


@dataclass(frozen=True, kw_only=True)
class ClipSet:
    """Clips that captions are measured on."""

    name: str
    data_set: str
    split: str
    clip_ids: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    seconds: tuple[float, ...]

    def only(self, name: str, places: Sequence[int]) -> "ClipSet":
        """Some of the clips, by their places."""
        return replace(
            self,
            name=name,
            clip_ids=tuple(self.clip_ids[i] for i in places),
            references=tuple(self.references[i] for i in places),
            seconds=tuple(self.seconds[i] for i in places),
        )


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One system's captions of a set, caption by caption."""

    bleu: Float[Tensor, "N 10"]
    """See ``bleu_counts``."""
    values: Mapping[str, Float[Tensor, " N"]]
    """By the names of ``COMPARED``; content is 1 or 0."""
    decided: Bool[Tensor, " N"]
    """Whose references name an action."""

    def only(self, places: Sequence[int]) -> "Scores":
        """Those of some clips."""
        rows = list(places)
        values = {name: column[rows] for name, column in self.values.items()}
        return Scores(bleu=self.bleu[rows], values=values, decided=self.decided[rows])


def choose_clips(clips: Sequence[CaptionedClip], count: int) -> list[CaptionedClip]:
    """Choose clips of all corpora: as many of each, or all of a small one, evenly spread.

    Raises:
        RequestError: ``count`` is not positive.
    """
    if count < 1:
        raise RequestError(f"expected at least one clip to describe, got {count}")
    groups: dict[str, list[CaptionedClip]] = {}
    for clip in clips:
        groups.setdefault(clip.corpus.name, []).append(clip)
    chosen: list[CaptionedClip] = []
    for place, group in enumerate(sorted(groups.values(), key=len)):
        share = min(len(group), (count - len(chosen)) // (len(groups) - place))
        chosen += [group[k * len(group) // share] for k in range(share)]
    return chosen


def clip_sets(clips: Sequence[CaptionedClip], split: str) -> dict[str, tuple[ClipSet, list[int]]]:
    """The set of all clips, one a corpus, one of people's words; with places in the first."""
    whole = ClipSet(
        name=WHOLE,
        data_set=" + ".join(dict.fromkeys(clip.corpus.name for clip in clips)),
        split=split,
        clip_ids=tuple(clip.clip_id for clip in clips),
        references=tuple(clip.captions for clip in clips),
        seconds=tuple(clip.seconds for clip in clips),
    )
    sets = {WHOLE: (whole, list(range(len(clips))))}
    for name in whole.data_set.split(" + "):
        places = [k for k, clip in enumerate(clips) if clip.corpus.name == name]
        sets[name] = (replace(whole.only(name, places), data_set=name), places)
    words = [_people_wrote(clip) for clip in clips]
    places = [k for k, texts in enumerate(words) if texts]
    if places:
        people = whole.only(PEOPLE, places)
        references = tuple(words[k] for k in places)
        sets[PEOPLE] = (replace(people, data_set="cmu", references=references), places)
    return sets


def _people_wrote(clip: CaptionedClip) -> tuple[str, ...]:
    """Captions that people wrote for a clip of CMU; other corpora have none."""
    if clip.corpus.name != "cmu":
        return ()
    return tuple(text for text in clip.captions if _bare(text) not in _table_texts())


@cache
def _table_texts() -> frozenset[str]:
    return frozenset(map(_bare, all_texts("en")))


def _bare(text: str) -> str:
    return text.lower().rstrip(".")


def measure_systems(
    clips: ClipSet, systems: Mapping[str, Sequence[str]], encoder: TextEncoder
) -> dict[str, Scores]:
    """Measure the captions that several systems gave the same clips.

    Raises:
        RequestError: A system does not give every clip a caption.
    """
    count = len(clips.references)
    for name, texts in systems.items():
        if len(texts) != count:
            raise RequestError(f"expected {count} captions of '{name}', got {len(texts)}")
    contents = [content_of(rows) for rows in clips.references]
    everything = [text for texts in systems.values() for text in texts]
    meanings = embedding_scores_each(encoder, everything, clips.references * len(systems))
    found = {}
    for place, (name, texts) in enumerate(systems.items()):
        own = meanings[place * count : (place + 1) * count]
        pairs = zip(texts, contents, strict=True)
        columns = {
            "ROUGE-L": rouge_l_each(texts, clips.references),
            "CIDEr": cider_each(texts, clips.references),
            "Text cosine": [scores.cosine for scores in own],
            "Token F1": [scores.f1 for scores in own],
            CONTENT: [float(content is not None and is_right(t, content)) for t, content in pairs],
        }
        values = {n: torch.tensor(c, dtype=torch.float64) for n, c in columns.items()}
        found[name] = Scores(
            bleu=bleu_counts(texts, clips.references),
            values=values,
            decided=torch.tensor([content is not None for content in contents]),
        )
    return found


def subset_scores(
    scores: Mapping[str, Scores],
    clips: ClipSet,
    places: Sequence[int],
    systems: Mapping[str, Sequence[str]],
) -> dict[str, Scores]:
    """Scores on some clips, of those on all; only CIDEr, whose idf is the set's, is made anew."""
    found = {}
    for name, all_scores in scores.items():
        own = all_scores.only(places)
        fresh = cider_each([systems[name][place] for place in places], clips.references)
        values = {**own.values, "CIDEr": torch.tensor(fresh, dtype=torch.float64)}
        found[name] = replace(own, values=values)
    return found


def figures(
    clips: ClipSet, scores: Scores, encoder: TextEncoder, command: str, seed: int = 0
) -> tuple[Figure, ...]:
    """Figures of one system on a set, each with its protocol and a 95 % interval over clips."""
    count = len(scores.bleu)
    draws = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    protocols = suite_protocols(clips, scores, encoder, command)
    found = []
    drawn = np.array([bleu_of(scores.bleu[torch.from_numpy(rows)]) for rows in draws])
    for place, (name, value) in enumerate(zip(BLEUS, bleu_of(scores.bleu), strict=True)):
        interval = _interval(drawn[:, place])
        found.append(figure(name, value, protocols["words"], interval=interval))
    for name in COMPARED[:-1]:
        values = scores.values[name].numpy()
        kind = "meaning" if name in MEANING else "words"
        interval = _interval(values[draws].mean(1))
        found.append(figure(name, float(values.mean()), protocols[kind], interval=interval))
    right, total = int(scores.values[CONTENT][scores.decided].sum()), int(scores.decided.sum())
    if total:
        interval = wilson_interval(right, total)
        found.append(figure(CONTENT, right / total, protocols["content"], interval=interval))
    return tuple(found)


def suite_protocols(
    clips: ClipSet, scores: Scores, encoder: TextEncoder, command: str
) -> dict[str, Protocol]:
    """Protocols of the metrics of words, of meaning and of content."""
    counts = [len(rows) for rows in clips.references]
    base = Protocol(
        data_set=clips.data_set,
        split=clips.split,
        num_samples=len(clips.clip_ids),
        clip_seconds=(min(clips.seconds), max(clips.seconds)),
        fps=float(FPS),
        evaluator=NO_EVALUATOR,
        repeats=1,
        command=command,
        notes=(f"{min(counts)} to {max(counts)} English references a clip",),
    )
    centred = "vectors centred by the mean of the references of all clips measured together"
    num_decided = max(int(scores.decided.sum()), 1)
    return {
        "words": replace(base, notes=(*base.notes, TOKENIZATION)),
        "meaning": replace(base, evaluator=encoder.fingerprint, notes=(*base.notes, centred)),
        "content": replace(base, num_samples=num_decided, notes=(*base.notes, _RULE)),
    }


def compare(
    clips: ClipSet, baseline: Scores, model: Scores, names: tuple[str, str]
) -> tuple[PairedResult, ...]:
    """Paired comparison of two systems by every metric; none with fewer than six clips.

    Args:
        clips: What both described.
        baseline: The first system.
        model: The second.
        names: Of both, for the verdicts.
    """
    if len(clips.clip_ids) < LEAST_PROMPTS:
        return ()
    pairs = [
        PairedScores(
            metric=name,
            better=metric(name).better,
            first=baseline.values[name],
            second=model.values[name],
            prompts=clips.clip_ids,
        )
        for name in COMPARED
    ]
    last = BLEUS[-1]
    whole = compare_sets(
        last, metric(last).better, baseline.bleu, model.bleu, lambda rows: bleu_of(rows)[-1]
    )
    return with_verdicts([whole, *compare_systems(pairs, names=names)], names=names)


def _interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
