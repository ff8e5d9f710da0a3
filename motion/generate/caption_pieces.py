"""A long motion in pieces: where to cut it, and one text out of the texts of the pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool1d

from motion.data.captioning.tables import read_table
from motion.representation import FPS, NUM_BODY_JOINTS, Motion

SMOOTHED_FRAMES = 7
"""Speeds are averaged over about 0.2 s, so that a cut is a calm moment, not a lucky frame."""
SHORTEST_SHARE = 0.25
"""No piece is shorter than this share of the longest."""
MOST_JOINED = 6
"""Actions that are told one after the other; of more, those that last longest are named."""
_SUBJECT_FORMS = ("simple", "progressive")
_PLURAL = "they"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a stretch of time shows."""

    text: str
    seconds: float


def quiet_cuts(motion: Motion, longest: int) -> list[tuple[int, int]]:
    """Cut a motion at 30 fps where it is calmest, into pieces of at most ``longest`` frames.

    Args:
        motion: Of any length; one that is short enough stays whole.
        longest: Frames, at least 4; pieces have at least a quarter of them.
    """
    count = motion.num_frames
    if count <= longest:
        return [(0, count)]
    speed = _speed(motion)
    edges = [0]
    while count - edges[-1] > longest:
        start = edges[-1]
        last = min(longest, count - start - int(SHORTEST_SHARE * longest))
        window = speed[start + longest // 2 : start + last + 1]
        edges.append(start + longest // 2 + int(window.argmin()))
    edges.append(count)
    return list(pairwise(edges))


def _speed(motion: Motion) -> Float[Tensor, " T"]:
    """Mean speed of the body joints around each frame, metres a second."""
    steps = motion.joints(NUM_BODY_JOINTS).diff(dim=0).norm(dim=-1).mean(-1) * FPS
    steps = torch.cat([steps[:1], steps])
    half = SMOOTHED_FRAMES // 2
    smooth: Tensor = avg_pool1d(steps[None], SMOOTHED_FRAMES, 1, half, count_include_pad=False)[0]
    return smooth


def join_texts(told: Sequence[Told]) -> str:
    """One text out of those of neighbouring pieces, which say different things.

    Up to six are told in their order ("a person walks, then waves"), of more those that last
    longest are named ("mostly a person walks; also: ...").
    """
    bare = [Told(text=t.text.strip().rstrip(".").rstrip(), seconds=t.seconds) for t in told]
    if len(bare) == 1:
        return told[0].text
    if len(bare) <= MOST_JOINED:
        first, *rest = (t.text for t in bare)
        return ", then ".join([first, *(without_subject(text) for text in rest)])
    seconds: dict[str, float] = {}
    for t in bare:
        seconds[t.text] = seconds.get(t.text, 0.0) + t.seconds
    names = sorted(seconds, key=lambda text: -seconds[text])[:MOST_JOINED]
    if len(names) == 1:
        return names[0]
    return f"mostly {_lower_first(names[0])}; also: {'; '.join(map(_lower_first, names[1:]))}"


def without_subject(text: str) -> str:
    """Leave out who does it, which stands in the text before."""
    lowered = _lower_first(text)
    for subject in _subjects():
        if lowered.startswith(f"{subject} "):
            return lowered.removeprefix(f"{subject} ")
    return lowered


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


@cache
def _subjects() -> tuple[str, ...]:
    """Subjects of the caption tables whose verb stands in the third person singular."""
    rows = read_table("actions_en.yaml")["subjects"]
    found = {str(s) for s, form in rows if form in _SUBJECT_FORMS and s and s != _PLURAL}
    return tuple(sorted(found))
