"""Pairs of real motion and real sound that were never recorded together, made to fit.

Truly paired data are few. Here music is retimed so that its beats fall on the kinematic beats of a
dance clip, and speech so that it is loud where the arms move. Such pairs teach timing, nothing
else; they carry ``kind = "pseudo"`` so that nobody takes them for captured ones.
Axis letters added here: ``N`` events, ``E`` edges of frames.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import product

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from motion.data import ClipRecord, PreparedCorpus, is_dance, is_gesturing
from motion.evaluate.beat_metrics import BEAT_DEFINITIONS, beat_score, kinematic_beats
from motion.evaluate.speech_metrics import arm_speed, speech_loudness
from motion.representation import FPS, Motion
from motion.train.beat_grid import OCTAVES, BeatGrid, dance_grids, retime
from motion.train.speech_warp import warp_speech

LOGGER = logging.getLogger(__name__)

BeatTimes = Float[NDArray[np.float64], " N"] | Float[Tensor, " N"]

LEAST_FIT = 0.6
"""Dance clips whose beat grid fits worse are left out."""
LEAST_CORRELATION = 0.25
"""Speech pairs below this are left out."""
LEAST_SECONDS = 2.0
LARGEST_STILL_SPEED = 0.03
"""Clips whose arms move slower (m/s, mean) have no strokes."""
SPEECH_TRIES = 12
"""Places in speech that are tried for each pair asked for."""
START_RANGE_FRAMES = 15
"""The warp may start this far from the place that was drawn."""
OCTAVE_SHARES = {1.0: 1.0, 2.0: 0.5, 0.5: 0.25}
"""How often a reading of the tempo is drawn, relative to one music beat a grid beat."""


@dataclass(frozen=True, kw_only=True)
class SoundedClip:
    """A clip and a sound that goes with it."""

    corpus: str
    clip_id: str
    modality: str
    """``music`` or ``speech``."""
    sound: str
    """Id of the sound, as the caller named it."""
    edges: Float[Tensor, " E"]
    """Edges of the clip's frames in the time of the sound, seconds: one more than frames. The
    mirrored clip has the same."""
    fit: float = 1.0
    """0 to 1: of music, mean of both beat alignments; of speech, the correlation of arm speed and
    loudness."""
    kind: str = "pseudo"
    """``pseudo``: laid under the motion; ``paired``: captured together."""


@dataclass(frozen=True, kw_only=True)
class SpeechSound:
    """What warping needs to know about a recording."""

    loudness: Float[Tensor, " T"]
    """30 a second, of the whole recording."""
    start_seconds: float = 0.0
    """Nothing before this is used."""
    stop_seconds: float = float("inf")
    """Nothing after this is used: where a held-out part begins."""

    @classmethod
    def from_samples(
        cls,
        samples: Float[Tensor, " S"],
        sample_rate: int,
        *,
        stop_seconds: float = float("inf"),
    ) -> "SpeechSound":
        """Measure a mono recording."""
        frames = int(len(samples) * FPS / sample_rate)
        loudness = speech_loudness(samples, sample_rate, frames)
        return cls(loudness=loudness, stop_seconds=stop_seconds)


@dataclass
class PairingReport:
    """What became of the clips, for the log and the model card."""

    pairs: list[SoundedClip] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds of motion used, by corpus."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Reason by ``corpus/clip_id``."""
    fits: dict[str, float] = field(default_factory=dict)
    """By ``corpus/clip_id``: of dance, the fit of its beat grid; of gestures, the best
    correlation."""

    def __str__(self) -> str:
        used = ", ".join(f"{name} {value / 60:.1f} min" for name, value in self.seconds.items())
        mean = float(np.mean([pair.fit for pair in self.pairs])) if self.pairs else 0.0
        return (
            f"{len(self.pairs)} pairs of {used or 'nothing'}, mean fit {mean:.2f}; "
            f"{len(self.left_out)} clips left out"
        )


def pseudo_music_pairs(
    corpora: Sequence[PreparedCorpus],
    beats: Mapping[str, BeatTimes],
    *,
    split: str = "train",
    seed: int = 0,
    per_clip: int = 4,
) -> PairingReport:
    """Give every dance clip of a split several pieces of music.

    Args:
        corpora: Prepared corpora; clips that are no dance are passed over.
        beats: Beats of each sound in seconds (``Beats.times``), by the caller's id. Only between
            its first and last beat is a sound used.
        split: Of the clips; which sounds they may meet is the caller's to say.
        seed: Of the drawing; each clip draws for itself, so adding clips changes no other.
        per_clip: Pairs a clip, of different sounds as long as there are any.
    """

    def pair(clip: _Clip) -> list[SoundedClip] | str:
        grids = dance_grids(clip.motion)
        if not grids:
            return "no near-regular kinematic beats"
        report.fits[clip.name] = best = max(grid.fit for grid in grids)
        if best < LEAST_FIT:
            return f"its beat grid fits {best:.2f}, expected {LEAST_FIT} at least"
        grids = [grid for grid in grids if grid.fit >= LEAST_FIT]
        return _music_for(clip, grids, times, per_clip) or "no sound has a tempo near it"

    times = {name: torch.from_numpy(np.asarray(found)) for name, found in beats.items()}
    report = PairingReport()
    _fill(report, corpora, split, is_dance, pair, seed)
    return report


def pseudo_speech_pairs(
    corpora: Sequence[PreparedCorpus],
    sounds: Mapping[str, SpeechSound],
    *,
    split: str = "train",
    seed: int = 0,
    per_clip: int = 4,
) -> PairingReport:
    """Give every gesturing clip of a split several pieces of speech.

    Args:
        corpora: Prepared corpora; clips without speech-like gestures are passed over.
        sounds: Recordings by the caller's id.
        split: Of the clips; which sounds they may meet is the caller's to say.
        seed: Of the drawing.
        per_clip: Pairs a clip.
    """

    def pair(clip: _Clip) -> list[SoundedClip] | str:
        arms = arm_speed(clip.motion)
        if float(arms.mean()) < LARGEST_STILL_SPEED:
            return "the arms hardly move"
        found = _speech_for(clip, arms, sounds, per_clip)
        report.fits[clip.name] = max((one.fit for one in found), default=0.0)
        found = [one for one in found if one.fit >= LEAST_CORRELATION]
        return found or "no speech goes with its strokes"

    report = PairingReport()
    _fill(report, corpora, split, is_gesturing, pair, seed)
    return report


@dataclass(frozen=True)
class _Clip:
    record: ClipRecord
    motion: Motion
    generator: np.random.Generator

    @property
    def name(self) -> str:
        return f"{self.record.corpus}/{self.record.clip_id}"

    def with_sound(self, modality: str, sound: str, edges: Tensor, fit: float) -> SoundedClip:
        return SoundedClip(
            corpus=self.record.corpus,
            clip_id=self.record.clip_id,
            modality=modality,
            sound=sound,
            edges=edges,
            fit=fit,
        )


def _fill(
    report: PairingReport,
    corpora: Sequence[PreparedCorpus],
    split: str,
    wanted: Callable[[ClipRecord], bool],
    pair: Callable[[_Clip], list[SoundedClip] | str],
    seed: int,
) -> None:
    for corpus in corpora:
        for index in corpus.select(split):
            record = corpus.clips[index]
            if not wanted(record):
                continue
            name = f"{record.corpus}/{record.clip_id}"
            if record.num_frames < LEAST_SECONDS * FPS:
                report.left_out[name] = f"shorter than {LEAST_SECONDS:g} s"
                continue
            digest = sha256(f"{seed}/{name}".encode()).digest()
            generator = np.random.default_rng(int.from_bytes(digest[:8], "big"))
            found = pair(_Clip(record, corpus.motion(index), generator))
            if isinstance(found, str):
                report.left_out[name] = found
                continue
            report.pairs += found
            seconds = report.seconds.get(record.corpus, 0.0) + record.num_frames / FPS
            report.seconds[record.corpus] = seconds
    for name, reason in report.left_out.items():
        LOGGER.info("no pseudo-pair for %s: %s", name, reason)


def _music_for(
    clip: _Clip, grids: Sequence[BeatGrid], beats: Mapping[str, Tensor], per_clip: int
) -> list[SoundedClip]:
    """Draw a place in each of the sounds that fit, preferring one music beat a grid beat."""
    places: dict[str, list[tuple[float, Tensor]]] = {}
    for (sound, times), octave, grid in product(beats.items(), OCTAVES, grids):
        for first in range(len(times)):
            edges = retime(
                grid, times, first_beat=first, octave=octave, num_frames=clip.record.num_frames
            )
            if edges is not None and edges[0] >= 0 and edges[-1] <= times[-1]:
                places.setdefault(sound, []).append((OCTAVE_SHARES[octave], edges))
    found: list[SoundedClip] = []
    while places and len(found) < per_clip:
        names = list(places)
        shares = np.array([max(share for share, _ in places[name]) for name in names])
        order = clip.generator.choice(
            len(names), min(len(names), per_clip - len(found)), False, shares / shares.sum()
        )
        for name in (names[int(i)] for i in order):
            weights = np.array([share for share, _ in places[name]])
            drawn = int(clip.generator.choice(len(weights), p=weights / weights.sum()))
            edges = places[name].pop(drawn)[1]
            fit = _beat_fit(clip.motion, edges, beats[name])
            found.append(clip.with_sound("music", name, edges, fit))
            if not places[name]:
                del places[name]
    return found


def _beat_fit(motion: Motion, edges: Tensor, beats: Tensor) -> float:
    """Mean of both beat alignments with the retimed beats."""
    frames = np.arange(len(edges)) / FPS
    inside = beats[(beats >= edges[0]) & (beats < edges[-1])]
    laid = torch.from_numpy(np.interp(inside.numpy(), edges.numpy(), frames))
    scores = [beat_score(kinematic_beats(motion, d), laid, d) for d in BEAT_DEFINITIONS]
    return float(np.mean(scores))


def _speech_for(
    clip: _Clip, arms: Tensor, sounds: Mapping[str, SpeechSound], per_clip: int
) -> list[SoundedClip]:
    """The best of some places drawn in each sound, spread over sounds."""
    names, best = sorted(sounds), dict[str, list[SoundedClip]]()
    for number in range(per_clip * SPEECH_TRIES):
        name = names[number % len(names)]
        sound = sounds[name]
        first = round(sound.start_seconds * FPS)
        stop = int(min(len(sound.loudness), sound.stop_seconds * FPS))
        place = int(clip.generator.integers(0, max(stop - first, 1)))
        starts = (place - START_RANGE_FRAMES, place + START_RANGE_FRAMES)
        warp = warp_speech(arms, sound.loudness[first:stop], starts)
        if warp is not None:
            edges = warp.edges + first / FPS
            made = clip.with_sound("speech", name, edges, warp.correlation)
            best.setdefault(name, []).append(made)
    ranked = [sorted(found, key=lambda one: -one.fit) for found in best.values()]
    rounds = [one for turn in range(per_clip) for found in ranked for one in found[turn : turn + 1]]
    return rounds[:per_clip]
