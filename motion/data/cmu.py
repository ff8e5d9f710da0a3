"""CMU motion capture trials, packed at 60 fps: HumanML3D's clips, then the rest of the trials.

Frame numbers of pieces are at 30 fps, counted from the start of the trial.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from motion.data.cleaning import jump_frames, longest_span, t_pose_frames, without_flips
from motion.data.files import need_files, read_csv, read_jsonl
from motion.data.packed import read_packed
from motion.data.records import CorpusReading, ReadClip, Rejection
from motion.data.retargeting import Calibration, head_pitches, retarget
from motion.data.splitting import split_of
from motion.errors import DataError
from motion.geometry.resample import exact_fps
from motion.representation import FPS

_TRIAL_COLUMNS = ("trial", "subject", "file", "skeleton", "frames60", "description")
_FRAMES_60_TO_30 = 2
MIN_CLIP_FRAMES = 30
"""One second; shorter leftovers are no clip."""

MAX_WINDOW_FRAMES = 300
"""Ten seconds, as HumanML3D's longest clips."""

USUAL_HEAD_PITCH = 5.0
"""Degrees that an upright person's head leans forward."""

TRUSTED_HEAD_PITCH = 5.0
"""Degrees off the usual that may be the performer's own; only what exceeds them is taken off."""

_WHOLE_TRIAL_SHARE = 0.8
"""A sentence about the whole trial is used for a clip that covers this much of it."""


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A stretch of a trial that becomes a clip."""

    clip_id: str
    start: int
    stop: int
    split: str
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """A trial with the pieces to cut from it."""

    row: Mapping[str, str]
    path: Path
    pieces: tuple[_Piece, ...]
    sentences: tuple[str, ...]
    """Sentences about the whole trial (KIT-ML)."""


def read_cmu(source: Path) -> CorpusReading:
    """Open the corpus.

    Raises:
        DataError: Files are missing or broken.
    """
    tables = ("trials.csv", "clips.jsonl", "trial_captions.jsonl", "motions")
    need_files(source, tables, corpus="cmu")
    rows = read_csv(source / "trials.csv", _TRIAL_COLUMNS)
    need_files(source, [row["file"] for row in rows], corpus="cmu")
    official = _official_pieces(read_jsonl(source / "clips.jsonl"))
    sentences = _whole_trial_sentences(read_jsonl(source / "trial_captions.jsonl"))
    trials = []
    for row in rows:
        pieces = official.get(row["trial"], [])
        num_frames = -(-int(row["frames60"]) // _FRAMES_60_TO_30)
        trials.append(
            _Trial(
                row=row,
                path=source / row["file"],
                pieces=(*pieces, *_rest_pieces(row["trial"], num_frames, pieces)),
                sentences=sentences.get(row["trial"], ()),
            )
        )

    def clips() -> Iterator[ReadClip | Rejection]:
        calibrations = _calibrate(trials)
        for trial in trials:
            yield from _read_trial(trial, calibrations[trial.row["subject"]])

    return CorpusReading(
        name="cmu",
        licence="free for all uses, no resale of the data",
        attribution="mocap.cs.cmu.edu, created with funding from NSF EIA-0196217",
        total=sum(len(trial.pieces) for trial in trials),
        clips=clips,
    )


def _read_trial(trial: _Trial, calibration: Calibration) -> Iterator[ReadClip | Rejection]:
    captured = read_packed(trial.path).motion
    steady, flips = without_flips(captured)
    cuts = [-(-frame // _FRAMES_60_TO_30) for frame in [*jump_frames(captured), *flips]]
    motion = retarget(steady.resampled(exact_fps(FPS)), calibration)
    first = t_pose_frames(motion)
    for piece in trial.pieces:
        begin, end = max(piece.start, first), min(piece.stop, motion.num_frames)
        start, stop = longest_span(begin, end, cuts) if begin < end else (begin, begin)
        if stop - start < MIN_CLIP_FRAMES:
            reason = f"{stop - start} of {piece.stop - piece.start} frames are good"
            yield Rejection(
                piece.clip_id, f"{reason} (T-pose, jump, flipping joint or end of the capture)"
            )
            continue
        captions = list(piece.captions)
        if stop - start >= _WHOLE_TRIAL_SHARE * motion.num_frames:
            captions += [text for text in trial.sentences if text not in captions]
        yield ReadClip(
            clip_id=piece.clip_id,
            split=piece.split,
            motion=motion.frames(start, stop),
            labels={key: trial.row[key] for key in ("trial", "subject", "skeleton", "description")},
            captions=captions,
        )


def _official_pieces(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[_Piece]]:
    """HumanML3D clips by trial; a sentence with time tags of its own becomes a clip of its own."""
    found: dict[str, list[_Piece]] = defaultdict(list)
    for row in rows:
        try:
            start, stop = (-(-int(row[k]) // 2) for k in ("start_frame_60", "end_frame_60"))
            clip_id, trial, sentences = str(row["id"]), str(row["trial"]), list(row["captions"])
            whole = [str(s["text"]) for s in sentences if not _tagged(s, stop - start)]
            tagged = [s for s in sentences if _tagged(s, stop - start)]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"clips.jsonl: a line lacks or spoils the field {error}") from error
        split = split_of("cmu", clip_id)
        found[trial].append(
            _Piece(clip_id=clip_id, start=start, stop=stop, split=split, captions=tuple(whole))
        )
        for number, sentence in enumerate(tagged):
            found[trial].append(
                _Piece(
                    clip_id=f"{clip_id}_{number}",
                    start=start + round(float(sentence["start"]) * FPS),
                    stop=min(stop, start + round(float(sentence["end"]) * FPS)),
                    split=split,
                    captions=(str(sentence["text"]),),
                )
            )
    return {trial: _without_held_out(pieces) for trial, pieces in found.items()}


def _without_held_out(pieces: list[_Piece]) -> list[_Piece]:
    """Cut from training clips the frames that a held-out clip of the trial shows.

    Some of HumanML3D's training clips overlap test clips by up to five seconds; we do not train
    on those frames.
    """
    held_out = [piece for piece in pieces if piece.split != "train"]
    kept = []
    for piece in pieces:
        start, stop = piece.start, piece.stop
        for other in held_out if piece.split == "train" else ():
            if other.start < stop and start < other.stop:
                before, after = (start, max(start, other.start)), (min(stop, other.stop), stop)
                start, stop = max(before, after, key=lambda span: span[1] - span[0])
        kept.append(replace(piece, start=start, stop=stop))
    return kept


def _tagged(sentence: Mapping[str, Any], num_frames: int) -> bool:
    """Tell whether a sentence is about a part of its clip; 0/0 and a clip-length tag are not."""
    begin, end = float(sentence["start"]), float(sentence["end"])
    return end > begin and (end - begin) * FPS < _WHOLE_TRIAL_SHARE * num_frames


def _rest_pieces(trial: str, num_frames: int, pieces: Sequence[_Piece]) -> list[_Piece]:
    """Windows of the frames that no clip covers; they train, so they overlap no held-out clip."""
    covered = sorted((piece.start, piece.stop) for piece in pieces)
    gaps, at = [], 0
    for start, stop in [*covered, (num_frames, num_frames)]:
        if start > at:
            gaps.append((at, start))
        at = max(at, stop)
    windows = []
    for start, stop in gaps:
        count = -(-(stop - start) // MAX_WINDOW_FRAMES)
        edges = [start + (stop - start) * k // count for k in range(count + 1)]
        windows += [
            _Piece(clip_id=f"{trial}_{a:05d}", start=a, stop=b, split="train")
            for a, b in pairwise(edges)
            if b - a >= MIN_CLIP_FRAMES
        ]
    return windows


def _whole_trial_sentences(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    try:
        return {
            str(row["trial"]): tuple(str(s) for entry in row["kitml"] for s in entry["captions"])
            for row in rows
        }
    except (KeyError, TypeError) as error:
        raise DataError(f"trial_captions.jsonl: a line lacks the field {error}") from error


def _calibrate(trials: Sequence[_Trial]) -> dict[str, Calibration]:
    """Find each subject's usual head lean over all trials and what of it cannot be real."""
    leans: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        sparse = read_packed(trial.path).motion.resampled(exact_fps(2))
        leans[trial.row["subject"]] += head_pitches(sparse)
    found = {}
    for trial in trials:
        subject = trial.row["subject"]
        off = median(leans[subject] or [USUAL_HEAD_PITCH]) - USUAL_HEAD_PITCH
        excess = max(abs(off) - TRUSTED_HEAD_PITCH, 0.0)
        found[subject] = Calibration(head_pitch=excess if off > 0 else -excess)
    return found
