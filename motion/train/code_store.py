"""All clips of some corpora as motion codes with their captions: what language training reads.

Clips are encoded plain and mirrored, at several phases (a clip that starts a few frames later has
other codes). Beside the codes stand the poses at the edges of every step, so that clips can be
stitched where their poses meet. Axes: N steps of all sequences together; S streams.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor

from motion.data import Caption, PreparedCorpus
from motion.errors import DataError
from motion.formats import atomic_path
from motion.language import Stream, motion_streams
from motion.representation import PARTS, Motion, extract_features
from motion.tokenizer import Codes, MotionTokenizer

CODES_FILE, SEQUENCES_FILE = "codes.safetensors", "sequences.jsonl"
SHORTEST_STEPS = 3


@dataclass(frozen=True, kw_only=True)
class CodeSequence:
    """One encoded clip, or its mirror image."""

    clip_id: str
    corpus: str
    label: str
    """Clips with one label are alike: used to balance what training draws."""
    start: int
    num_steps: int
    captions: tuple[Caption, ...]


@dataclass(frozen=True)
class CodeStore:
    """Code sequences end to end."""

    codes: Int[Tensor, "N S"]
    """-1 where a clip lacks the stream's part."""
    first_pose: Float[Tensor, "N D"]
    """Normalised features of the first frame of each step."""
    last_pose: Float[Tensor, "N D"]
    """Normalised features of the last frame of each step."""
    sequences: tuple[CodeSequence, ...]

    def sequence_codes(self, index: int) -> Int[Tensor, "L S"]:
        """Codes of one sequence."""
        record = self.sequences[index]
        return self.codes[record.start : record.start + record.num_steps]

    def save(self, folder: Path) -> None:
        """Write two files; the small one last."""
        tensors = {
            "codes": self.codes.to(torch.int16),
            "first_pose": self.first_pose.half(),
            "last_pose": self.last_pose.half(),
        }
        with atomic_path(folder / CODES_FILE) as path:
            save_file(tensors, path)
        with atomic_path(folder / SEQUENCES_FILE) as path:
            lines = [json.dumps(asdict(record), ensure_ascii=False) for record in self.sequences]
            path.write_text("\n".join(lines) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "CodeStore":
        """Read what ``save`` wrote."""
        if not (folder / SEQUENCES_FILE).is_file():
            raise DataError(f"no encoded motions in {folder}; expected {SEQUENCES_FILE}")
        tensors = load_file(folder / CODES_FILE)
        sequences = []
        for line in (folder / SEQUENCES_FILE).read_text("utf-8").splitlines():
            row = json.loads(line)
            row["captions"] = tuple(Caption(**caption) for caption in row["captions"])
            sequences.append(CodeSequence(**row))
        return cls(
            tensors["codes"].long(),
            tensors["first_pose"].float(),
            tensors["last_pose"].float(),
            tuple(sequences),
        )


def streams_of(tokenizer: MotionTokenizer) -> tuple[Stream, ...]:
    """The streams a tokenizer's codes make."""
    configs = {name: tokenizer.part(name).config.quantizer for name in tokenizer.part_names}
    return motion_streams(
        {name: config.num_quantizers for name, config in configs.items()},
        {name: config.codebook_size for name, config in configs.items()},
        {name: config.code_dim for name, config in configs.items()},
    )


def codes_to_streams(codes: Codes, streams: Sequence[Stream]) -> Int[Tensor, "L S"]:
    """Codes as one row of streams per step; -1 where a part is absent."""
    absent = torch.full((codes.num_steps,), -1)
    columns = [
        codes.parts[s.part][:, s.level] if s.part in codes.parts else absent for s in streams
    ]
    return torch.stack(columns, dim=-1)


def encode_corpora(
    corpora: Sequence[PreparedCorpus],
    split: str,
    tokenizer: MotionTokenizer,
    *,
    mirror: bool,
    phases: Sequence[int] = (0,),
) -> CodeStore:
    """Encode every clip of a split.

    Args:
        corpora: Prepared corpora.
        split: "train", "val" or "test".
        tokenizer: Trained tokenizer.
        mirror: Add mirror images with their own captions.
        phases: Frames to leave out at the start, one sequence each.

    Raises:
        DataError: No clip is left.
    """
    streams = streams_of(tokenizer)
    stride = tokenizer.frames_per_code
    codes: list[Tensor] = []
    edges: list[tuple[Tensor, Tensor]] = []
    sequences: list[CodeSequence] = []
    start = 0
    for corpus in corpora:
        for index in corpus.select(split):
            record, motion = corpus.clips[index], corpus.motion(index)
            variants = [(motion, record.captions)]
            if mirror:
                variants.append((motion.mirrored(), record.mirrored_captions))
            for variant, captions in variants:
                for phase in phases:
                    piece = variant.frames(phase, variant.num_frames)
                    if piece.num_frames < SHORTEST_STEPS * stride or not captions:
                        continue
                    rows = codes_to_streams(tokenizer.encode(piece), streams)
                    codes.append(rows)
                    edges.append(_edge_poses(piece, tokenizer, len(rows)))
                    sequences.append(
                        CodeSequence(
                            clip_id=record.clip_id,
                            corpus=record.corpus,
                            label=_label(record.labels, record.clip_id),
                            start=start,
                            num_steps=len(rows),
                            captions=tuple(captions),
                        )
                    )
                    start += len(rows)
    if not codes:
        raise DataError(f"no '{split}' clip with captions in the given corpora")
    return CodeStore(
        torch.cat(codes),
        torch.cat([first for first, _ in edges]),
        torch.cat([last for _, last in edges]),
        tuple(sequences),
    )


def _edge_poses(
    motion: Motion, tokenizer: MotionTokenizer, num_steps: int
) -> tuple[Float[Tensor, "L D"], Float[Tensor, "L D"]]:
    """Normalised body features at the first and last frame of every step."""
    features = extract_features(motion)
    columns = []
    for name in ("lower", "upper"):
        part = tokenizer.part(name)
        values = (features[name] - part.mean) / part.std
        contact = PARTS[name].slices.get("foot_contact")
        columns.append(values if contact is None else values[:, : contact.start])
    pose = torch.cat(columns, dim=-1)
    first = torch.arange(num_steps) * tokenizer.frames_per_code
    last = (first + tokenizer.frames_per_code - 1).clamp(max=len(pose) - 1)
    return pose[first], pose[last]


def _label(labels: object, clip_id: str) -> str:
    values = dict(labels) if isinstance(labels, dict) else {}
    for key in ("content", "description", "actions"):
        if values.get(key):
            return str(values[key])
    return clip_id
