"""Does generated motion follow the sound it was made for? Figures over windows of held-out sounds.

Nothing here knows how a motion is made: a function gives one for a window of sound and a seed.
Axis letters added here: ``N`` windows, ``A`` beats.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from motion.errors import RequestError
from motion.evaluate.beat_metrics import (
    BEAT_DEFINITIONS,
    BeatDefinition,
    beat_score,
    beats_between,
    kinematic_beats,
)
from motion.evaluate.benchmark_bars import Bar
from motion.evaluate.pairing import PairComparison, compare_pairs
from motion.evaluate.speech_metrics import (
    SpeechScores,
    gesture_curves,
    mouth_scores,
    speech_loudness,
    speech_scores,
    voice_activity,
)
from motion.formats import SoundReader
from motion.representation import FPS, Motion

MUSIC_SECONDS, SPEECH_SECONDS = 8, 6
"""Length of a window: 24 s of music make three, a minute of speech ten."""
LOUDNESS_RATE = 16000
"""Samples per second at which loudness is measured."""
LEAST_COMPLETE = 0.999
"""A last window may lack a thousandth of its length."""

_DIFFERENCES = {
    "music.generated.aist++": "dance on its own held-out music against other music, beat alignment "
    "(AIST++), lower end of the 95 % interval",
    "music.generated.bailando": "the same, beat alignment (Bailando)",
    "speech.generated.stroke_correlation": "arm strokes with their own held-out speech against "
    "other speech, correlation, lower end of the 95 % interval",
    "speech.generated.jaw_correlation": "the same, opening of the jaw",
}
SOUND_BARS: tuple[Bar, ...] = (
    *(
        Bar(what=what, figure=f"{name}.low", relation=">=", limit=0, unit="", digits=3)
        for name, what in _DIFFERENCES.items()
    ),
    Bar(
        what="held-out speech: how well the open jaw tells voice from silence (AUC)",
        figure="speech.generated.mouth.auc",
        relation=">=",
        limit=0.5,
        unit="",
    ),
    Bar(
        what="60 s of music, features and dance, on two cores",
        figure="cost.60 s.times_real_time",
        relation=">=",
        limit=3,
        unit="times real time",
        digits=1,
    ),
    Bar(
        what="peak memory of 600 s of music over that of 60 s",
        figure="cost.memory_ratio",
        relation="<=",
        limit=1.1,
        unit="",
    ),
)
"""What music and speech must reach; ``tools/sound_bars.py`` judges it."""

MakeMotion = Callable[[SoundReader, int], Motion]
"""Gives a motion of the same length for a window of sound and a seed."""


@dataclass(frozen=True, kw_only=True)
class MusicWindow:
    """A few seconds of a track and its beats, seconds from the window's start."""

    track: str
    sound: SoundReader
    beats: Float[Tensor, " A"]


@dataclass(frozen=True, kw_only=True)
class SpeechWindow:
    """A few seconds of a recording, and how loud each motion frame of them is."""

    track: str
    sound: SoundReader
    loudness: Float[Tensor, " T"]


def music_windows(
    track: str, sound: SoundReader, beats: Float[Tensor, " A"], seconds: int = MUSIC_SECONDS
) -> list[MusicWindow]:
    """Cut a track into windows end to end.

    Args:
        track: Its name.
        sound: The whole track.
        beats: Its beats, tracked over the whole of it, seconds.
        seconds: Length of a window.
    """
    return [
        MusicWindow(track=track, sound=piece, beats=beats_between(beats, float(start), seconds))
        for start, piece in _pieces(sound, seconds)
    ]


def speech_windows(
    track: str, sound: SoundReader, seconds: int = SPEECH_SECONDS
) -> list[SpeechWindow]:
    """Cut a recording into windows end to end; loudness is measured over the whole of it."""
    whole = speech_loudness(sound.samples(LOUDNESS_RATE), LOUDNESS_RATE, sound.num_frames(FPS))
    count = seconds * FPS
    return [
        SpeechWindow(
            track=track, sound=piece, loudness=whole[int(start * FPS) : int(start * FPS) + count]
        )
        for start, piece in _pieces(sound, seconds)
        if int(start * FPS) + count <= len(whole)
    ]


def _pieces(sound: SoundReader, seconds: int) -> list[tuple[Fraction, SoundReader]]:
    count = int(float(sound.duration) / seconds + 1 - LEAST_COMPLETE)
    starts = [Fraction(seconds * index) for index in range(count)]
    return [(start, sound.excerpt(start, Fraction(seconds))) for start in starts]


def music_figures(
    windows: Sequence[MusicWindow], motions: Sequence[Motion], *, seed: int = 0
) -> dict[str, Any]:
    """Both beat alignments of dances with their music, with other music, and half a beat late.

    Args:
        windows: At least 30, of several tracks.
        motions: One for each window.
        seed: Of bootstrap and permutations.
    """
    _check_lengths(len(windows), motions)
    groups = [window.track for window in windows]
    result: dict[str, Any] = {"window_seconds": float(windows[0].sound.duration)}
    for definition in BEAT_DEFINITIONS:
        beats = [kinematic_beats(motion, definition) for motion in motions]
        scores = beat_matrix(beats, [window.beats for window in windows], definition)
        late = [
            beat_score(b, _half_a_beat_late(window.beats), definition)
            for b, window in zip(beats, windows, strict=True)
        ]
        result[definition.name] = {
            **comparison_figures(compare_pairs(scores, groups, seed=seed)),
            "half_a_beat_late": sum(late) / len(late),
            "kinematic_beats_a_second": sum(map(len, beats))
            / sum(motion.duration_seconds for motion in motions),
        }
    return result


def beat_matrix(
    motion_beats: Sequence[Float[Tensor, " _"]],
    music_beats: Sequence[Float[Tensor, " _"]],
    definition: BeatDefinition,
) -> Float[Tensor, "N N"]:
    """Score of every motion with every window of music."""
    rows = [[beat_score(b, music, definition) for music in music_beats] for b in motion_beats]
    return torch.tensor(rows, dtype=torch.float64)


def speech_figures(
    windows: Sequence[SpeechWindow], motions: Sequence[Motion], *, seed: int = 0
) -> dict[str, Any]:
    """Strokes, emphasis and jaw of gestures with their speech and with other speech.

    Args:
        windows: At least 30, of several recordings.
        motions: One for each window.
        seed: Of bootstrap and permutations.
    """
    _check_lengths(len(windows), motions)
    groups = [window.track for window in windows]
    curves = [gesture_curves(motion) for motion in motions]
    pairs = [[speech_scores(c, w.loudness) for w in windows] for c in curves]
    result: dict[str, Any] = {"window_seconds": float(windows[0].sound.duration)}
    for name in SpeechScores.__dataclass_fields__:
        values = [[float(getattr(scores, name)) for scores in row] for row in pairs]
        matrix = torch.tensor(values, dtype=torch.float64)
        if name == "best_lag_seconds":
            result[name] = {"mean": float(matrix.diag().mean())}
        else:
            result[name] = comparison_figures(compare_pairs(matrix, groups, seed=seed))
    voice = torch.cat([voice_activity(window.loudness) for window in windows])
    result["mouth"] = asdict(mouth_scores(torch.cat([c.jaw for c in curves]), voice))
    return result


def made_for(sounds: Sequence[SoundReader], make: MakeMotion, *, seed: int = 0) -> list[Motion]:
    """Make one motion for each window, each with a seed of its own."""
    return [make(sound, seed + index) for index, sound in enumerate(sounds)]


def drawn_windows(
    motions: Sequence[Motion], count: int, num_frames: int, *, seed: int = 0
) -> list[Motion]:
    """Windows drawn at random from motions: what real motion scores with sound it never heard.

    Raises:
        RequestError: No motion is long enough.
    """
    long = [motion for motion in motions if motion.num_frames >= num_frames]
    if not long:
        raise RequestError(f"expected motions of at least {num_frames} frames to draw from")
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for _ in range(count):
        motion = long[int(torch.randint(len(long), (), generator=generator))]
        start = int(torch.randint(motion.num_frames - num_frames + 1, (), generator=generator))
        drawn.append(motion.frames(start, start + num_frames))
    return drawn


def comparison_figures(comparison: PairComparison) -> dict[str, Any]:
    """Plain values of a comparison, the lower end of its wider interval, and what it says."""
    low = min(comparison.interval[0], comparison.group_interval[0])
    return {**asdict(comparison), "low": low, "significant": comparison.significant}


def _half_a_beat_late(beats: Float[Tensor, " A"]) -> Float[Tensor, " A"]:
    return beats + float(beats.diff().median()) / 2 if len(beats) > 1 else beats


def _check_lengths(num_windows: int, motions: Sequence[Motion]) -> None:
    if len(motions) != num_windows:
        raise RequestError(f"expected a motion for each of {num_windows} windows: {len(motions)}")
    lengths = {motion.num_frames for motion in motions}
    if len(lengths) > 1:
        raise RequestError(f"expected motions of one length, got {sorted(lengths)} frames")
