"""All clips of some corpora as motion codes with their captions: what language training reads.

Clips are encoded plain and mirrored, at several phases (a clip that starts a few frames later has
other codes). Beside the codes stand the poses at the edges of every step, so that clips can be
stitched where their poses meet. Axes: N steps of all sequences together; S streams.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor

from motion.data import Caption, ClipRecord, PreparedCorpus
from motion.errors import DataError
from motion.formats import atomic_path
from motion.language import Stream, label_numbers, motion_streams
from motion.representation import LABELS, PARTS, extract_features
from motion.tokenizer import MotionTokenizer

EMOTION_OF_STYLE = {"angry": "anger", "happy": "happiness", "sad": "sadness"}
"""Acting styles of Bandai Namco's first data set that are emotions."""
CODES_FILE, SEQUENCES_FILE = "codes.safetensors", "sequences.jsonl"
SHORTEST_STEPS = 3
BATCH = 64


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
    mirrored: bool = False
    """Whether this is the mirror image."""
    phase: int = 0
    """Frames of the clip left out at the start."""
    labels: tuple[int, ...] = (0,) * len(LABELS)
    """Numbers of the labels of ``LABELS``; 0: not known."""


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
            row["labels"] = tuple(row["labels"])
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


@dataclass(frozen=True)
class _Variant:
    """A clip or its mirror image at one phase, as features."""

    record: ClipRecord
    captions: tuple[Caption, ...]
    features: dict[str, Float[Tensor, "T _"]]
    mirrored: bool
    phase: int

    @property
    def num_frames(self) -> int:
        return len(self.features["lower"])


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
    streams, stride = streams_of(tokenizer), tokenizer.frames_per_code
    variants = [
        variant
        for variant in _variants(corpora, split, mirror=mirror, phases=phases)
        if (variant.captions or variant.record.sounds)
        and variant.num_frames >= SHORTEST_STEPS * stride
    ]
    if not variants:
        raise DataError(f"no '{split}' clip with captions or sound in the given corpora")
    parts = {name: _encode_part(variants, name, tokenizer) for name in tokenizer.part_names}
    codes, edges, sequences, start = [], [], [], 0
    for index, variant in enumerate(variants):
        num_steps = -(-variant.num_frames // stride)
        absent = torch.full((num_steps,), -1)
        found = [parts[s.part].get(index) for s in streams]
        columns = zip(streams, found, strict=True)
        codes.append(torch.stack([absent if f is None else f[:, s.level] for s, f in columns], -1))
        edges.append(_edge_poses(variant.features, tokenizer, num_steps))
        sequences.append(
            CodeSequence(
                clip_id=variant.record.clip_id,
                corpus=variant.record.corpus,
                label=_label(variant.record),
                start=start,
                num_steps=num_steps,
                captions=variant.captions,
                mirrored=variant.mirrored,
                phase=variant.phase,
                labels=label_numbers_of(variant.record),
            )
        )
        start += num_steps
    return CodeStore(
        torch.cat(codes),
        torch.cat([first for first, _ in edges]),
        torch.cat([last for _, last in edges]),
        tuple(sequences),
    )


def _variants(
    corpora: Sequence[PreparedCorpus], split: str, *, mirror: bool, phases: Sequence[int]
) -> Iterator[_Variant]:
    for corpus in corpora:
        for index in corpus.select(split):
            record, motion = corpus.clips[index], corpus.motion(index)
            seen = [(motion, record.captions, False)]
            if mirror:
                seen.append((motion.mirrored(), record.mirrored_captions, True))
            for variant, captions, mirrored in seen:
                whole = extract_features(variant)
                for phase in phases:
                    features = begin_anew({name: values[phase:] for name, values in whole.items()})
                    yield _Variant(record, captions, features, mirrored, phase)


def begin_anew(features: Mapping[str, Float[Tensor, "T _"]]) -> dict[str, Float[Tensor, "T _"]]:
    """The same features as those of a motion that begins here: nothing leads to its frame 0."""
    root = PARTS["lower"].slices
    result = {name: values.clone() for name, values in features.items()}
    for block in ("planar_velocity", "yaw_rate"):
        result["lower"][:1, root[block]] = 0.0
    return result


def _encode_part(
    variants: Sequence[_Variant], name: str, tokenizer: MotionTokenizer
) -> dict[int, Int[Tensor, "L K"]]:
    """Codes of one part for all variants that have it, in batches of similar length."""
    stride = tokenizer.frames_per_code
    having = [index for index, variant in enumerate(variants) if name in variant.features]
    having.sort(key=lambda index: variants[index].num_frames)
    result: dict[int, Tensor] = {}
    for first in range(0, len(having), BATCH):
        chosen = having[first : first + BATCH]
        rows = [variants[index].features[name] for index in chosen]
        lengths = torch.tensor([len(row) for row in rows])
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = torch.arange(padded.shape[1])[None] < lengths[:, None]
        codes = tokenizer.part(name).encode(padded, mask)
        for row, index, length in zip(codes, chosen, lengths.tolist(), strict=True):
            result[index] = row[: -(-length // stride)]
    return result


def _edge_poses(
    features: Mapping[str, Float[Tensor, "T _"]], tokenizer: MotionTokenizer, num_steps: int
) -> tuple[Float[Tensor, "L D"], Float[Tensor, "L D"]]:
    """Normalised body features at the first and last frame of every step."""
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


def _label(record: ClipRecord) -> str:
    """What kind of motion a clip is, for balancing."""
    for key in ("content", "description", "actions"):
        if record.labels.get(key):
            return str(record.labels[key])
    return record.clip_id


def label_numbers_of(record: ClipRecord) -> tuple[int, ...]:
    """Numbers of a clip's speaker, emotion and dance style; 0 where they are not known.

    Bandai Namco's acting styles that are emotions count as such.
    """
    known = dict(record.labels)
    emotion = EMOTION_OF_STYLE.get(known.get("style", ""))
    if emotion is not None:
        known["emotion"] = emotion
    given = {kind: known.get(kind) for kind, names in LABELS.items() if known.get(kind) in names}
    return tuple(label_numbers(given).tolist())
