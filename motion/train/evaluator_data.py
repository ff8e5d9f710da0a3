"""What evaluator training reads: captioned clips as joint positions, drawn like alignment's pairs.

Axis E: width of the text encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import Dataset
from torchdata.stateful_dataloader import StatefulDataLoader

from motion.conditioners import TextEncoder, TextFeatureTable, cache_text_features
from motion.data import PreparedCorpus, load_corpora
from motion.errors import DataError
from motion.evaluate.evaluator_input import EVALUATOR_FPS, JointClips
from motion.representation import FPS, NUM_BODY_JOINTS
from motion.train.captioned_batch import CaptionedBatch
from motion.train.feature_store import FeatureStore
from motion.train.pair_data import STAGE_SPLITS
from motion.train.pair_store import DrawingConfig, EvaluationPairs, PairStore, TrainingPairs

_JOINTS = "joints"
_STRIDE = FPS // EVALUATOR_FPS


@dataclass
class JointPairBatch(CaptionedBatch):
    """Clips with one caption each (not frozen: Lightning moves its tensors)."""

    clips: JointClips
    states: Float[Tensor, "B P E"]
    states_mask: Bool[Tensor, "B P"]
    pooled: Float[Tensor, "B E"]
    described: Bool[Tensor, "B B"]
    """The row's caption is one of those of the column's motion or of clips like it."""
    opposed: Bool[Tensor, "B B"]
    """The row's caption is one of those of its mirror image, and not of the motion."""


class JointPairs(Dataset[JointPairBatch]):
    """The pairs that alignment training would draw, with joint positions as motions."""

    def __init__(self, pairs: TrainingPairs | EvaluationPairs) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> JointPairBatch:
        """Give a batch; where a span begins decides which frames its steps are."""
        pairs, drawn = self.pairs, self.pairs.draw(index)
        clips = [
            pairs.store.features.clip(row)[_JOINTS][start:stop:_STRIDE]
            for row, (start, stop) in zip(drawn.rows, drawn.spans, strict=True)
        ]
        condition = pairs.features.gather([pairs.texts[caption] for caption in drawn.captions])
        return JointPairBatch(
            clips=JointClips.collate(clips),
            states=condition.embedding,
            states_mask=condition.mask,
            pooled=condition.pooled,
            described=pairs.store.describes(drawn.captions, drawn.rows),
            opposed=pairs.store.opposes(drawn.captions, drawn.rows),
        )


def joint_store(corpora: Sequence[PreparedCorpus], split: str) -> PairStore:
    """Joints at 30 fps of all clips of a split, each at an even row and mirrored at the next.

    Raises:
        DataError: There is no clip, or none with a caption.
    """
    joints, clip_ids = [], []
    for corpus in corpora:
        for index, record in enumerate(corpus.clips):
            if record.split == split:
                motion = corpus.motion(index)
                joints += [
                    m.joints(NUM_BODY_JOINTS).flatten(1) for m in (motion, motion.mirrored())
                ]
                clip_ids += [record.clip_id] * 2
    if not joints:
        raise DataError(f"no '{split}' clip in the given corpora")
    length = torch.tensor([len(rows) for rows in joints])
    features = FeatureStore(
        features={_JOINTS: torch.cat(joints)},
        starts=torch.cumsum(length, 0) - length,
        lengths=length,
        weights=length.double(),
        clip_ids=tuple(clip_ids),
    )
    return PairStore.of(features, corpora, split)


class EvaluatorData(LightningDataModule):
    """Captioned clips of prepared corpora."""

    def __init__(
        self,
        root: Path,
        corpora: list[str],
        drawing: DrawingConfig,
        text_encoder: str | None = None,
        cache: Path = Path("runs/cache"),
    ) -> None:
        """Say what to read.

        Args:
            root: Folder with prepared corpora, one sub-folder each (`motion prepare`).
            corpora: Names of sub-folders with clips.
            drawing: How training pairs are drawn.
            text_encoder: A local folder or hub id; None: the packaged multilingual encoder.
            cache: Where features of captions are kept.
        """
        super().__init__()
        self.root, self.corpora, self.drawing = root, corpora, drawing
        self.text_encoder, self.cache = text_encoder, cache
        self.stores: dict[str, PairStore] = {}

    def setup(self, stage: str) -> None:
        """Take the joints of all clips; encode captions once, which is cached."""
        wanted = [split for split in STAGE_SPLITS[stage] if split not in self.stores]
        if not wanted:
            return
        corpora = load_corpora([self.root / name for name in self.corpora])
        for split in wanted:
            self.stores[split] = joint_store(corpora, split)
        texts = dict.fromkeys(
            text for store in self.stores.values() for row in store.captions for text in row
        )
        self.texts = {text: index for index, text in enumerate(texts)}
        encoder = TextEncoder.load(self.text_encoder)
        self.fingerprint = encoder.fingerprint
        self.features: TextFeatureTable = cache_text_features(
            list(texts), encoder, self.cache / "text"
        )

    def training(self, drawing: DrawingConfig | None = None) -> JointPairs:
        """Training pairs, by another way of drawing if one is given."""
        drawing = drawing or self.drawing
        return JointPairs(TrainingPairs(self.stores["train"], self.texts, self.features, drawing))

    def sample(self, num_pairs: int) -> JointPairBatch:
        """Give some training pairs at once, for statistics."""
        return self.training(replace(self.drawing, batch_size=num_pairs))[0]

    def evaluation(self, split: str) -> EvaluationPairs:
        """Every clip of a split with two captions."""
        seed = self.drawing.seed + 1
        return EvaluationPairs(self.stores[split], self.texts, self.features, seed)

    def train_dataloader(self) -> Any:
        """Batches that resume exactly."""
        return StatefulDataLoader(self.training(), batch_size=None)

    def val_dataloader(self) -> Any:
        """Every validation clip, and mirrored."""
        return StatefulDataLoader(JointPairs(self.evaluation("val")), batch_size=None)

    def test_dataloader(self) -> Any:
        """Every test clip, and mirrored."""
        return StatefulDataLoader(JointPairs(self.evaluation("test")), batch_size=None)
