"""Windows of clips with a gap: what prediction and in-betweening learn from.

Of each window the start and the end are encoded from their own frames only, so that no code of
theirs knows what happens in the gap; what is to be written comes from the whole window.
Axes: S streams; E steps after the gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor

from motion.data import PreparedCorpus
from motion.errors import ConfigError
from motion.formats import atomic_path
from motion.generate.keeping import root_of
from motion.language import goal_between
from motion.representation import FPS, Motion, extract_features
from motion.tokenizer import MotionTokenizer
from motion.train.code_store import BATCH, begin_anew, streams_of

WINDOWS_FILE = "gaps.safetensors"
STEPS_OF_START = (2, 12)
STEPS_OF_GAP = (1, 20)
"""0.2 to 4 s."""
STEPS_OF_END = (1, 8)
BODY = ("lower", "upper")


@dataclass(frozen=True, kw_only=True)
class GapConfig:
    """Which windows are cut."""

    per_clip: int = 2
    """Of each clip and of its mirror image."""
    ending_share: float = 0.65
    """Share of windows whose end is told; the others only go on."""
    caption_share: float = 0.4
    """Share of windows that are told what happens, by the clip's caption."""
    seed: int = 0
    """Of the cutting."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.per_clip < 1 or not (0 <= self.ending_share <= 1 and 0 <= self.caption_share <= 1):
            raise ConfigError("gaps: per_clip must be positive, shares must lie between 0 and 1")


@dataclass(frozen=True)
class GapWindow:
    """One window."""

    starting: Int[Tensor, "L S"]
    """Codes of the start by itself."""
    following: Int[Tensor, "L2 S"]
    """Codes of gap and end, seen with the whole window."""
    ending: Int[Tensor, "E S"]
    """Codes of the end by itself."""
    goal: Float[Tensor, " 6"]
    """``goal_features`` of the gap."""
    clip: int
    """Number of the clip, see ``GapStore.texts``."""

    @property
    def gap_steps(self) -> int:
        """Length of the gap."""
        return len(self.following) - len(self.ending)


@dataclass(frozen=True)
class GapStore:
    """Windows of a split and what their clips are called."""

    windows: tuple[GapWindow, ...]
    texts: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Cut:
    clip: int
    frames: tuple[int, int, int]
    """Of start, gap and end."""
    features: dict[str, Float[Tensor, "T _"]]
    goal: Float[Tensor, " 6"]


def cut_gaps(
    corpora: Sequence[PreparedCorpus],
    split: str,
    tokenizer: MotionTokenizer,
    config: GapConfig,
    folder: Path,
) -> GapStore:
    """Cut and encode windows of all clips with a body, once.

    Args:
        corpora: Prepared corpora.
        split: "train", "val" or "test"; only "train" has mirror images.
        tokenizer: Trained tokenizer.
        config: Which windows.
        folder: Where they are kept.
    """
    generator = torch.Generator().manual_seed(config.seed)
    path = folder / WINDOWS_FILE
    clips = list(_clips(corpora, split))
    texts = tuple(captions for _, captions in clips)
    if path.is_file():
        return GapStore(_unpack(load_file(path)), texts)
    stride = tokenizer.frames_per_code
    cuts: list[_Cut] = []
    for number, (load, _) in enumerate(clips):
        motion = load()
        for _ in range(config.per_clip):
            cut = _cut(number, motion, stride, generator)
            if cut is not None:
                cuts.append(cut)
    windows = _encoded(cuts, tokenizer)
    with atomic_path(path) as target:
        save_file(_pack(windows), target)
    return GapStore(tuple(windows), texts)


def _clips(corpora: Sequence[PreparedCorpus], split: str) -> Any:
    """A function that loads each clip, mirrored too when training, and its captions."""
    for corpus in corpora:
        for index in corpus.select(split):
            record = corpus.clips[index]
            if not set(BODY) <= set(record.parts):
                continue
            english = tuple(c.text for c in record.captions if c.language == "en")
            yield lambda c=corpus, i=index: c.motion(i), english
            if split == "train":
                mirrored = tuple(c.text for c in record.mirrored_captions if c.language == "en")
                yield lambda c=corpus, i=index: c.motion(i).mirrored(), mirrored


def _cut(number: int, motion: Motion, stride: int, generator: torch.Generator) -> _Cut | None:
    """One random window; None where the clip is too short for any."""
    available = motion.num_frames // stride
    sizes = [
        _draw(low, high, generator) for low, high in (STEPS_OF_START, STEPS_OF_GAP, STEPS_OF_END)
    ]
    least = [STEPS_OF_START[0], STEPS_OF_GAP[0], STEPS_OF_END[0]]
    while sum(sizes) > available and sizes != least:
        widest = max(range(3), key=lambda k: (sizes[k] > least[k], sizes[k]))
        sizes[widest] -= 1
    if sum(sizes) > available:
        return None
    start, gap, end = (size * stride for size in sizes)
    spare = motion.num_frames - (start + gap + end)
    first = int(torch.randint(spare + 1, (), generator=generator))
    window = motion.frames(first, first + start + gap + end)
    goal = goal_between(
        root_of(window.frames(start - 1, start)),
        root_of(window.frames(start + gap, start + gap + 1)),
        gap / FPS,
    )
    whole = extract_features(window)
    features = {name: whole[name] for name in whole if name in BODY}
    return _Cut(number, (start, gap, end), features, goal)


def _draw(low: int, high: int, generator: torch.Generator) -> int:
    """A whole number, small ones as often as large ones on a logarithmic scale."""
    share = float(torch.rand((), generator=generator))
    return min(high, int(low * ((high + 1) / low) ** share))


def _encoded(cuts: Sequence[_Cut], tokenizer: MotionTokenizer) -> list[GapWindow]:
    wholes = _encode([cut.features for cut in cuts], tokenizer)
    starts = _encode([_span(cut, 0, cut.frames[0]) for cut in cuts], tokenizer)
    ends = _encode([_span(cut, sum(cut.frames[:2]), None) for cut in cuts], tokenizer)
    windows = []
    for cut, whole, start, end in zip(cuts, wholes, starts, ends, strict=True):
        windows.append(GapWindow(start, whole[len(start) :], end, cut.goal, cut.clip))
    return windows


def _span(cut: _Cut, first: int, last: int | None) -> dict[str, Float[Tensor, "T _"]]:
    return begin_anew({name: values[first:last] for name, values in cut.features.items()})


def _encode(
    rows: Sequence[Mapping[str, Float[Tensor, "_ _"]]], tokenizer: MotionTokenizer
) -> list[Int[Tensor, "_ S"]]:
    """Codes of all streams of many short motions, in batches of similar length."""
    streams, stride = streams_of(tokenizer), tokenizer.frames_per_code
    lengths = [len(row["lower"]) for row in rows]
    order = sorted(range(len(rows)), key=lengths.__getitem__)
    result: dict[int, Tensor] = {}
    for first in range(0, len(order), BATCH):
        chosen = order[first : first + BATCH]
        counts = torch.tensor([lengths[i] for i in chosen])
        codes = {}
        for name in BODY:
            padded = torch.nn.utils.rnn.pad_sequence(
                [rows[i][name] for i in chosen], batch_first=True
            )
            mask = torch.arange(padded.shape[1])[None] < counts[:, None]
            codes[name] = tokenizer.part(name).encode(padded, mask)
        for row, index in enumerate(chosen):
            steps = -(-lengths[index] // stride)
            absent = torch.full((steps,), -1)
            columns = [
                codes[s.part][row, :steps, s.level] if s.part in codes else absent for s in streams
            ]
            result[index] = torch.stack(columns, dim=-1)
    return [result[index] for index in range(len(rows))]


def _pack(windows: Sequence[GapWindow]) -> dict[str, Tensor]:
    sizes = [[len(w.starting), len(w.following), len(w.ending), w.clip] for w in windows]
    codes = [torch.cat([w.starting, w.following, w.ending]) for w in windows]
    return {
        "sizes": torch.tensor(sizes),
        "codes": torch.cat(codes).to(torch.int16),
        "goals": torch.stack([w.goal for w in windows]),
    }


def _unpack(tensors: Mapping[str, Tensor]) -> tuple[GapWindow, ...]:
    codes, windows, place = tensors["codes"].long(), [], 0
    for (start, follow, end, clip), goal in zip(
        tensors["sizes"].tolist(), tensors["goals"], strict=True
    ):
        edges = [place, place + start, place + start + follow, place + start + follow + end]
        first, second, third = (codes[a:b] for a, b in pairwise(edges))
        windows.append(GapWindow(first, second, third, goal, clip))
        place = edges[-1]
    return tuple(windows)
