"""``Captioner``: a motion of any length in, a sentence about it out.

Each stretch of at most ten seconds gets several texts of the language model, the likeliest one and
sampled ones, and beside them what was said of the most alike known motions. Chosen is the text that
is likely, near to the motion in the shared space, and in agreement with all the others.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motion.alignment import AlignmentModel, CaptionMemory, MotionLibrary
from motion.conditioners import TextEncoder
from motion.errors import RequestError
from motion.formats.joint_positions import BODY_PARTS
from motion.generate.caption_pieces import Told, join_texts, quiet_cuts
from motion.generate.caption_records import (
    CaptionConfig,
    CaptionSegment,
    MotionCaption,
    Origin,
    ScoredText,
)
from motion.generate.consensus import agreements
from motion.generate.requests import check_seed, spread_seeds
from motion.representation import FPS, Motion
from motion.representation.resampling import resample_motion
from motion.tasks.answering import Answer, Answerer, Question
from motion.tasks.prompts import make_prompt, one_line

T = TypeVar("T")
SharedSpace = tuple[AlignmentModel, MotionLibrary]
RETRY_TEMPERATURE = 1.0
MOST_RECALLED = 24
"""Recalled texts that are candidates, those with most weight; all of them are evidence."""
SAME_MEANING = 0.8
"""Cosine of two texts in the shared space from which they say the same. On validation clips of
Bandai and CMU 75 % of the pairs of captions of one clip reach 0.64 and half reach 0.87; of pairs
of clips that show different things 99 % stay below 0.62."""
NOTHING_KNOWN = "a person moves"
"""What is said where the model wrote nothing and no motion is known to compare with."""
_BROKEN = "\N{REPLACEMENT CHARACTER}"
_AT_ONCE = 8
"""Segments described together, so that memory stays flat."""
_NEAREST = 20
"""Known motions that are looked through for one with a caption."""


@dataclass(frozen=True, kw_only=True)
class _Written:
    """A text of the language model."""

    log_likelihood: float
    times: int
    """How often it was written."""


class Captioner:
    """Describes motions in words."""

    def __init__(
        self,
        answerer: Answerer,
        codes_of: Callable[[Motion], Int[Tensor, "L S"]],
        text_encoder: TextEncoder,
        space: SharedSpace | None,
        memory: CaptionMemory | None = None,
    ) -> None:
        """Remember what it works with.

        Args:
            answerer: The language model that writes.
            codes_of: Gives the codes of a motion at 30 fps.
            text_encoder: Reads texts for the shared space.
            space: Ranks texts and knows motions; None: likelihood alone decides.
            memory: Captions of known motions in that space; None: the language model alone.
        """
        self.answerer, self.codes_of = answerer, codes_of
        self.text_encoder, self.space, self.memory = text_encoder, space, memory

    def caption(
        self, motion: Motion, config: CaptionConfig | None = None, *, seed: int = 0
    ) -> MotionCaption:
        """Describe a motion of any length and rate.

        Raises:
            RequestError: It has no frames, no body, or values that are no numbers.
        """
        config = config or CaptionConfig()
        check_seed(seed)
        _check(motion)
        motion = resample_motion(motion)
        cuts = quiet_cuts(motion, round(config.segment_seconds * FPS))
        seeds = spread_seeds(seed, len(cuts) * config.candidates)
        work = list(zip(cuts, _rows(seeds, config.candidates), strict=True))
        segments = [
            segment
            for group in _rows(work, _AT_ONCE)
            for segment in self._describe(motion, group, config)
        ]
        seconds = [segment.end_seconds - segment.start_seconds for segment in segments]
        weighted = sum(s.score * t for s, t in zip(segments, seconds, strict=True))
        return MotionCaption(
            text=join_texts(self._told(segments)),
            score=weighted / sum(seconds),
            segments=tuple(segments),
            seed=seed,
            warnings=self._warnings(segments),
        )

    def _describe(
        self,
        motion: Motion,
        work: Sequence[tuple[tuple[int, int], Sequence[int]]],
        config: CaptionConfig,
    ) -> list[CaptionSegment]:
        """Describe some segments, given by their frames and the seeds of their candidates."""
        pieces = [motion.frames(*cut) for cut, _ in work]
        codes = [self.codes_of(piece) for piece in pieces]
        drawn = self._draw(codes, [tuple(seeds) for _, seeds in work], config)
        places = None
        if self.space is not None:
            places = self.space[0].embed_motion(pieces, parts=BODY_PARTS)
        found = []
        for index, ((start, stop), _) in enumerate(work):
            place = None if places is None else places[index]
            question = self._question(codes[index], 0, 0.0, config)
            scored = self._scored(question, drawn[index], place, config)
            best = max(scored, key=lambda one: one.score(config))
            found.append(
                CaptionSegment(
                    start_seconds=start / FPS,
                    end_seconds=stop / FPS,
                    text=best.text,
                    score=best.score(config),
                    origin=best.origin,
                    candidates=scored,
                )
            )
        return found

    def _draw(
        self,
        codes: Sequence[Int[Tensor, "_ S"]],
        seeds: Sequence[tuple[int, ...]],
        config: CaptionConfig,
    ) -> list[dict[str, _Written]]:
        """Different texts of each segment, of a retry if need be."""
        questions = [
            self._question(one, seed, config.temperature if k else 0.0, config)
            for one, row in zip(codes, seeds, strict=True)
            for k, seed in enumerate(row)
        ]
        answers = self.answerer.answer(questions)
        found = [_different(row) for row in _rows(answers, config.candidates)]
        blank = [index for index, texts in enumerate(found) if not texts]
        again = [
            self._question(codes[index], seed, RETRY_TEMPERATURE, config)
            for index in blank
            for seed in spread_seeds(seeds[index][-1], config.retries + 1)[1:]
        ]
        if again:
            more = _rows(self.answerer.answer(again), config.retries)
            for index, row in zip(blank, more, strict=True):
                found[index] = _different(row)
        return found

    def _question(
        self, codes: Int[Tensor, "L S"], seed: int, temperature: float, config: CaptionConfig
    ) -> Question:
        return Question(
            prompt=make_prompt("motion_to_text"),
            motion=codes,
            seed=seed,
            temperature=temperature,
            max_tokens=config.max_tokens,
        )

    def _scored(
        self,
        question: Question,
        written: Mapping[str, _Written],
        place: Float[Tensor, " D"] | None,
        config: CaptionConfig,
    ) -> tuple[ScoredText, ...]:
        """All texts there are to choose from; at least one."""
        recalled = self._recalled(place, config)
        near = sorted(recalled, key=lambda text: (-recalled[text], text))[:MOST_RECALLED]
        others: dict[str, Origin] = {text: "retrieval" for text in near if text not in written}
        if not written and not others:
            origin, text = self._known(place)
            others[text] = origin
        texts = [*written, *others]
        likely = {text: one.log_likelihood for text, one in written.items()}
        given = self.answerer.log_likelihoods([question] * len(others), list(others))
        likely |= dict(zip(others, given, strict=True))
        similarities: list[float | None] = [None] * len(texts)
        if place is not None:
            similarities = list((self._embedded(texts) @ place).tolist())
        agreed = agreements(texts, _evidence(written, recalled, config.memory_share))
        return tuple(
            ScoredText(
                text=text,
                origin=others.get(text, "model"),
                log_likelihood=likely[text],
                similarity=similarity,
                agreement=agreement,
            )
            for text, similarity, agreement in zip(texts, similarities, agreed, strict=True)
        )

    def _recalled(
        self, place: Float[Tensor, " D"] | None, config: CaptionConfig
    ) -> dict[str, float]:
        """What was said of known motions like this one, with its weight."""
        if self.memory is None or place is None or not config.neighbours:
            return {}
        found = self.memory.recall(place, config.neighbours, config.neighbour_temperature)
        return {one_line(text): share for text, share in found.items()}

    def _embedded(self, texts: Sequence[str]) -> Float[Tensor, "B D"]:
        assert self.space is not None
        return self.space[0].embed_text(self.text_encoder.encode(texts))

    def _known(self, place: Float[Tensor, " D"] | None) -> tuple[Origin, str]:
        """The caption of the nearest known motion that has one."""
        if self.space is not None and place is not None:
            for hit in self.space[1].retrieve(place, _NEAREST):
                if hit.captions:
                    return "retrieval", one_line(hit.captions[0])
        return "none", NOTHING_KNOWN

    def _told(self, segments: Sequence[CaptionSegment]) -> list[Told]:
        """Texts of the segments, neighbours that say the same together as the first says it."""
        texts = [segment.text for segment in segments]
        same = [a == b for a, b in pairwise(texts)]
        if self.space is not None and len(texts) > 1:
            places = self._embedded(texts)
            near = (places[1:] * places[:-1]).sum(-1) >= SAME_MEANING
            same = [a or b for a, b in zip(same, near.tolist(), strict=True)]
        told: list[Told] = []
        for segment, repeats in zip(segments, [False, *same], strict=True):
            seconds = segment.end_seconds - segment.start_seconds
            if repeats:
                told[-1] = Told(text=told[-1].text, seconds=told[-1].seconds + seconds)
            else:
                told.append(Told(text=segment.text, seconds=seconds))
        return told

    def _warnings(self, segments: Sequence[CaptionSegment]) -> tuple[str, ...]:
        said = {
            "retrieval": "the caption is that of the nearest known motion",
            "none": "there is no known motion to compare with",
        }
        found = [
            f"{s.start_seconds:.1f} to {s.end_seconds:.1f} s: the model wrote no words; "
            f"{said[s.origin]}"
            for s in segments
            if all(one.origin != "model" for one in s.candidates)
        ]
        if self.space is None:
            found.append("these weights have no shared space; likelihood alone chose the words")
        return tuple(found)


def _rows(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[first : first + size] for first in range(0, len(values), size)]


def _different(answers: Sequence[Answer]) -> dict[str, _Written]:
    """Texts with words, each once; those that ended by themselves, if there are any."""
    texts = [(_printable(answer.text), answer) for answer in answers]
    worded = [(t, a) for t, a in texts if any(letter.isalpha() for letter in t)]
    kept = [(t, a) for t, a in worded if a.finished] or worded
    times = Counter(text for text, _ in kept)
    return {t: _Written(log_likelihood=a.log_likelihood, times=times[t]) for t, a in kept}


def _evidence(
    written: Mapping[str, _Written], recalled: Mapping[str, float], memory_share: float
) -> dict[str, float]:
    """What might be said and how probable it is: of the model and of the memory."""
    share = 0.0 if not recalled else 1.0 if not written else memory_share
    found = {text: share * weight for text, weight in recalled.items()}
    times = sum(one.times for one in written.values())
    for text, one in written.items():
        found[text] = found.get(text, 0.0) + (1 - share) * one.times / times
    return found


def _printable(text: str) -> str:
    """One line without control characters and broken ones, which an unsure model may write."""
    line = one_line(text)
    return "".join(c for c in line if c.isprintable() and c != _BROKEN)


def _check(motion: Motion) -> None:
    if not motion.num_frames:
        raise RequestError("expected a motion to describe, got one without frames")
    if BODY_PARTS.isdisjoint(motion.parts):
        has = " and ".join(sorted(motion.parts)) or "nothing"
        raise RequestError(
            f"captions tell what legs (lower) and torso and arms (upper) do, the motion has {has}"
        )
    if not bool(torch.isfinite(motion.full_pose).all() and torch.isfinite(motion.transl).all()):
        raise RequestError("the motion has values that are no numbers; write its file again")
