"""``describe``: the sentences that say what a clip shows, in seven languages.

Captions given by a corpus or by people come first and are kept. Then come sentences for what the
labels name and for what the motion measurably does, drawn by a hash of the clip from pools that
all clips share, so that each text is encoded once however many clips use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from motion.data.captioning import (
    LANGUAGES,
    Action,
    LabelMeaning,
    Track,
    label_actions,
    measured_actions,
    raised_hands,
    rank,
    texts_of,
)
from motion.data.mirroring import swap_left_right
from motion.data.records import Caption
from motion.representation import Motion

MAX_CAPTIONS = 14
"""Captions of one clip, given ones included (more only when more are given)."""

ENGLISH_PLAIN = 3
ENGLISH_STYLED = 2
ENGLISH_MEASURED = 2
OTHER_LANGUAGES = 4
"""Languages besides English that a clip has a caption in."""


@dataclass(frozen=True, kw_only=True)
class CaptionSet:
    """The captions of a clip, and those of the clip seen in a mirror."""

    captions: tuple[Caption, ...]
    mirrored: tuple[Caption, ...]


@dataclass(frozen=True, kw_only=True)
class _Draw:
    """One choice: the n-th text of a pool."""

    action: Action
    language: str
    style: str
    number: int

    def text(self, *, mirrored: bool) -> Caption | None:
        action = self.action.mirrored() if mirrored else self.action
        pool = texts_of(action, self.language, self.style)
        return Caption(pool[self.number % len(pool)], self.language) if pool else None


def describe(
    corpus: str, labels: Mapping[str, str], motion: Motion, given: Sequence[str]
) -> CaptionSet:
    """Write the captions of a clip.

    Args:
        corpus: "bandai", "cmu" or "cc0"; any other corpus has no label table and is described by
            its given captions and by what is measured.
        labels: What the corpus says: content and style, description, or name.
        motion: The clip, whose facts are measured.
        given: English captions that people or the corpus gave; empty ones are dropped.

    Raises:
        DataError: The clip lacks a label of its corpus.
    """
    meaning = label_actions(corpus, labels)
    track = Track.of(motion)
    hands = raised_hands(track)
    shown = tuple(_with_hand(action, hands) for action in meaning.actions)
    meaning = replace(meaning, actions=shown)
    measured = measured_actions(track, frozenset(action.name for action in shown))
    key = rank(corpus, *sorted(labels.items()), motion.source, motion.num_frames)
    draws = _draws(meaning, measured, key)
    texts = [text.strip() for text in given if text.strip()]
    captions = [Caption(text) for text in texts]
    mirrored = [Caption(swap_left_right(text)) for text in texts]
    seen = {caption.text for caption in captions}
    for draw in draws:
        here, there = draw.text(mirrored=False), draw.text(mirrored=True)
        if len(captions) < MAX_CAPTIONS and here and there and here.text not in seen:
            seen.add(here.text)
            captions.append(here)
            mirrored.append(there)
    return CaptionSet(captions=tuple(captions), mirrored=tuple(mirrored))


def _with_hand(action: Action, hands: str) -> Action:
    return replace(action, side=hands) if action.side == "?" else action


def _draws(meaning: LabelMeaning, measured: Sequence[Action], key: int) -> list[_Draw]:
    """Choose texts: English plain, styled and measured, then single ones in other languages."""
    named = list(meaning.actions)
    english = [
        *_some(named, "en", "", ENGLISH_PLAIN, key),
        *(_some(named, "en", meaning.style, ENGLISH_STYLED, key) if meaning.style else ()),
        *_some(_rotated(list(measured), key), "en", "", ENGLISH_MEASURED, key),
    ]
    others = LANGUAGES[1:]
    start = key % len(others)
    languages = [others[(start + k) % len(others)] for k in range(OTHER_LANGUAGES)]
    kinds = [(named, ""), (named, meaning.style), (list(measured), "")]
    kinds = [(actions, style) for actions, style in kinds if actions]
    foreign = [
        _some(_rotated(kinds[n][0], key + k), language, kinds[n][1], 1, key + k)
        for k, language in enumerate(languages if kinds else ())
        for n in [(key // 7 + k) % len(kinds)]
    ]
    return [*english, *chain.from_iterable(foreign)]


def _some(actions: list[Action], language: str, style: str, count: int, key: int) -> list[_Draw]:
    """Give ``count`` draws, the actions in turn."""
    return [
        _Draw(
            action=actions[k % len(actions)],
            language=language,
            style=style,
            number=rank(key, language, style) + k,
        )
        for k in range(count)
        if actions
    ]


def _rotated(actions: list[Action], key: int) -> list[Action]:
    start = key % max(1, len(actions))
    return actions[start:] + actions[:start]
