"""A tiny real alignment model, and a prepared corpus with captions."""

from pathlib import Path

import torch
from made_motions import make_walk

from motion.alignment import (
    AlignmentModel,
    AlignmentModelConfig,
    MotionEncoderConfig,
    ProjectorConfig,
)
from motion.data import Caption, ClipRecord
from motion.data.corpus import BODY_WIDTH, FORMAT_VERSION, write_corpus_files
from motion.representation import Motion

TEXT_DIM = 32
STEP_SECONDS = {"walks fast": 0.35, "walks": 0.55, "walks slowly": 0.9}


def make_alignment_model(seed: int = 0) -> AlignmentModel:
    torch.manual_seed(seed)
    config = AlignmentModelConfig(
        dim=16,
        motion=MotionEncoderConfig(width=16, num_blocks=1, num_heads=2),
        projectors={"text": ProjectorConfig(input_dim=TEXT_DIM, width=16, num_heads=2)},
    )
    return AlignmentModel(config).eval()


def make_motions(num_frames: int = 45) -> dict[str, Motion]:
    """Walks of several paces, by what they show."""
    return {name: make_walk(num_frames, step_seconds=s) for name, s in STEP_SECONDS.items()}


def write_made_corpus(folder: Path, name: str = "made", dtype: torch.dtype = torch.float32) -> None:
    """Write walks as a prepared corpus: each pace in every split, captions that tell sides."""
    motions, clips, start = [], [], 0
    for split in ("train", "val", "test"):
        for what, motion in make_motions(40).items():
            captions = [f"a person {what} and swings the left arm", f"someone {what}"]
            mirrored = [text.replace("left", "right") for text in captions]
            clips.append(
                ClipRecord(
                    clip_id=f"{split} {what}",
                    corpus=name,
                    start=start,
                    num_frames=motion.num_frames,
                    split=split,
                    parts=("lower", "upper"),
                    captions=tuple(Caption(text) for text in captions),
                    mirrored_captions=tuple(Caption(text) for text in mirrored),
                )
            )
            motions.append(motion)
            start += motion.num_frames
    frames = {
        "body": torch.cat([motion.full_pose[:, :BODY_WIDTH] for motion in motions]).to(dtype),
        "transl": torch.cat([motion.transl for motion in motions]),
    }
    write_corpus_files(folder, frames, clips, {"name": name, "format_version": FORMAT_VERSION})
