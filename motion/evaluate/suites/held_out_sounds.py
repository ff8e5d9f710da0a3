"""Windows of held-out music and speech, the motions made for them, and real motion beside them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import torch

from motion.conditioners import MusicEncoder, track_beats
from motion.data import ClipRecord, SoundLibrary, SoundRecord
from motion.errors import DataError
from motion.evaluate.benchmark_tokenizer import open_corpora
from motion.evaluate.pairing import LEAST_PAIRS
from motion.evaluate.sound_bars import MusicWindow, SpeechWindow, music_windows, speech_windows
from motion.evaluate.suites.measures import spread
from motion.evaluate.suites.records import SuiteContext
from motion.formats import SoundReader, open_sound
from motion.representation import FPS, Motion

HELD_OUT = ("test", "val")
MADE_MUSIC = "made_music"
"""A library of synthetic tracks: for training, no music that anybody dances to."""
LIBRARY_FILE = "library.json"
NEAREST = 5
"""Clips that are looked at for each window in retrieval."""
_AT_ONCE = 32

MakeMotion = Callable[[SoundReader, int], Motion]


def held_out_music(context: SuiteContext) -> list[MusicWindow]:
    """Windows of every held-out track with its beats, evenly spread down to the size asked for.

    Beats that nobody annotated are those that the music encoder's tracker finds in the track.

    Raises:
        DataError: The data have no held-out music.
    """
    windows = []
    for library, record in _records(context.data, "music"):
        sound = excerpt(library.file(record), record.start_seconds, record.seconds)
        windows += music_windows(record.sound_id, sound, _beats(context, record, sound))
    return _some(windows, context, "music")


def held_out_speech(context: SuiteContext) -> list[SpeechWindow]:
    """Windows of held-out recordings without motion.

    Raises:
        DataError: The data have no held-out speech.
    """
    windows = []
    for library, record in _records(context.data, "speech"):
        sound = excerpt(library.file(record), record.start_seconds, record.seconds)
        windows += speech_windows(record.sound_id, sound)
    return _some(windows, context, "speech")


def recorded_speech(context: SuiteContext) -> list[tuple[SpeechWindow, Motion]]:
    """Windows of held-out clips whose speech was recorded with the motion, and that motion."""
    found = []
    for corpus in open_corpora(context.data):
        for index, clip in enumerate(corpus.clips):
            for span in clip.sounds if clip.split in HELD_OUT else ():
                if span.modality != "speech" or span.kind != "paired":
                    continue
                seconds = clip.num_frames / FPS
                sound = excerpt(corpus.folder / span.path, span.start_seconds, seconds)
                for number, window in enumerate(speech_windows(Path(span.path).stem, sound)):
                    count = len(window.loudness)
                    frames = corpus.motion(index, number * count, (number + 1) * count)
                    found.append((window, frames))
    return found


def made_motions(
    context: SuiteContext,
    suite: str,
    system: str,
    windows: Sequence[MusicWindow | SpeechWindow],
    make: MakeMotion,
) -> list[Motion]:
    """One motion for each window, each with a seed of its own, from the store where it has it."""
    found = []
    for place, window in enumerate(windows):
        seed = context.seed + place
        key = {
            "suite": suite,
            "system": system,
            "sound": window.sound.content_hash,
            "seed": seed,
        }
        found.append(context.store.motion(key, partial(make, window.sound, seed)))
        if (place + 1) % 10 == 0:
            context.progress(f"{suite}: {system}, {place + 1} of {len(windows)} windows")
    return found


def real_motions(
    data: Path, wanted: Callable[[ClipRecord], bool], splits: Sequence[str] = ()
) -> list[Motion]:
    """All clips of a kind; of some splits alone, if any are given."""
    return [
        corpus.motion(index)
        for corpus in open_corpora(data)
        for index, clip in enumerate(corpus.clips)
        if wanted(clip) and (not splits or clip.split in splits)
    ]


def matched_pairs(
    context: SuiteContext,
    windows: Sequence[Any],
    made: Mapping[str, Sequence[Motion]],
    figures: Callable[..., dict[str, Any]],
) -> dict[str, Any]:
    """Matched against shuffled pairs, as the bars of sound want it; empty with too few windows.

    Args:
        context: Of the suite.
        windows: Of music or speech.
        made: Motions of each system, one a window.
        figures: Measures one system: ``music_figures`` or ``speech_figures``.
    """
    tracks = [window.track for window in windows]
    most = max(tracks.count(track) for track in tracks)
    if len(windows) < LEAST_PAIRS or 2 * most > len(windows):
        return {}
    return {name: figures(windows, motions, seed=context.seed) for name, motions in made.items()}


def whole_windows(motions: Sequence[Motion], num_frames: int) -> list[Motion]:
    """All motions cut into windows end to end; what is left over is dropped."""
    return [
        motion.frames(start, start + num_frames)
        for motion in motions
        for start in range(0, motion.num_frames - num_frames + 1, num_frames)
    ]


def right_kind_share(
    context: SuiteContext,
    modality: str,
    windows: Sequence[MusicWindow | SpeechWindow],
    wanted: Callable[[ClipRecord], bool],
) -> dict[str, Any]:
    """Do held-out sounds find clips of the right kind among held-out clips, in the shared space?

    Which very clip belongs to a sound is not asked: none of these pairs was recorded together.
    """

    def make() -> dict[str, Any]:
        return _right_kind_share(context, modality, windows, wanted)

    heard = [window.sound.content_hash for window in windows]
    key = {"suite": modality, "part": "retrieval", "windows": heard}
    found: dict[str, Any] = context.store.values(key, make)
    return found


@torch.no_grad()
def _right_kind_share(
    context: SuiteContext,
    modality: str,
    windows: Sequence[MusicWindow | SpeechWindow],
    wanted: Callable[[ClipRecord], bool],
) -> dict[str, Any]:
    context.progress(f"{modality}: retrieval")
    space, _ = context.generator.shared_space()
    if modality not in space.projectors:
        return {}
    clips = [
        (clip, corpus.motion(index))
        for corpus in open_corpora(context.data)
        for index, clip in enumerate(corpus.clips)
        if clip.split in HELD_OUT and clip.num_frames >= FPS
    ]
    rows = [
        space.embed_motion([motion for _, motion in clips[first : first + _AT_ONCE]])
        for first in range(0, len(clips), _AT_ONCE)
    ]
    per_step = context.generator.tokenizer.frames_per_code
    encoder = context.generator.hearing.encoder(modality)
    steps = [round(window.sound.duration * FPS / per_step) for window in windows]
    heard = [encoder.encode(w.sound, n, per_step) for w, n in zip(windows, steps, strict=True)]
    likeness = torch.cat([space.embed(row) for row in heard]) @ torch.cat(rows).T
    right = torch.tensor([wanted(clip) for clip, _ in clips])
    nearest = likeness.topk(min(NEAREST, len(clips)), dim=1).indices
    return {
        "clips": len(clips),
        "nearest": NEAREST,
        "windows": len(windows),
        "share_of_right_kind": float(right[nearest].float().mean()),
        "share_in_all_clips": float(right.float().mean()),
    }


def excerpt(path: Path, start: float, seconds: float) -> SoundReader:
    """Some seconds of a sound file, exact to a millisecond."""
    whole = open_sound(path)
    first, length = (Fraction(t).limit_denominator(1000) for t in (start, seconds))
    return whole.excerpt(first, min(length, whole.duration - first))


def _records(data: Path, modality: str) -> Iterator[tuple[SoundLibrary, SoundRecord]]:
    for place in sorted(data.glob(f"*/{LIBRARY_FILE}")):
        if place.parent.name == MADE_MUSIC:
            continue
        library = SoundLibrary.load(place.parent)
        for record in library.sounds:
            if record.split in HELD_OUT and record.modality == modality:
                yield library, record


def _beats(context: SuiteContext, record: SoundRecord, sound: SoundReader) -> torch.Tensor:
    if record.beats:
        return torch.tensor(record.beats, dtype=torch.float64) - record.start_seconds

    def make() -> list[float]:
        context.progress(f"music: beats of {record.sound_id}")
        times = track_beats(MusicEncoder.load().encode_tracks(sound)).times
        return [float(time) for time in times]

    key = {"suite": "music", "part": "beats", "sound": sound.content_hash}
    return torch.tensor(context.store.values(key, make), dtype=torch.float64)


def _some(windows: list[Any], context: SuiteContext, what: str) -> list[Any]:
    if not windows:
        raise DataError(
            f"there is no held-out {what} in {context.data}, in libraries with '{LIBRARY_FILE}'; "
            f"make one with: motion prepare {what} --source DIR --out {context.data / what}"
        )
    return [windows[place] for place in spread(len(windows), context.size)]
