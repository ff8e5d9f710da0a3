"""Batches of motions with a gap, as ``StepBatch``: prediction and in-betweening.

Axes: S streams; E steps after the gap.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from motion.conditioners import TextFeatureTable
from motion.language.reading import pad_motions, pad_rows
from motion.representation import LABELS
from motion.tasks.prompts import paraphrases
from motion.train.gap_windows import GapConfig, GapStore
from motion.train.step_batches import BUCKET_STEPS, StepBatch


class GapBatches:
    """Windows of similar length; the model is told the gap's length and, mostly, its end."""

    def __init__(
        self,
        store: GapStore,
        texts: Mapping[str, int],
        features: TextFeatureTable,
        config: GapConfig,
        *,
        steps_per_batch: int,
    ) -> None:
        self.store, self.texts, self.features, self.config = store, texts, features, config
        buckets: dict[int, list[int]] = {}
        for index, window in enumerate(store.windows):
            steps = len(window.starting) + len(window.following)
            buckets.setdefault(steps // BUCKET_STEPS, []).append(index)
        self.buckets = [buckets[key] for key in sorted(buckets)]
        self.sizes = [
            max(2, steps_per_batch // (BUCKET_STEPS * (key + 1))) for key in sorted(buckets)
        ]
        pairs = zip(self.buckets, self.sizes, strict=True)
        self.bucket_weights = torch.tensor([len(b) / size for b, size in pairs])
        self.wordings = {
            task: [texts[text] for text in paraphrases(task)]
            for task in ("motion_prediction", "motion_inbetweening")
        }

    def draw(self, generator: torch.Generator) -> StepBatch:
        """One batch."""
        bucket = int(torch.multinomial(self.bucket_weights, 1, generator=generator))
        members = self.buckets[bucket]
        places = torch.randint(len(members), (self.sizes[bucket],), generator=generator)
        return self.batch([members[int(i)] for i in places], generator)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> StepBatch:
        """Some windows, each with an instruction or a caption."""
        windows = [self.store.windows[i] for i in indices]
        told, rows, learned, lengths, endings = [], [], [], [], []
        goals = torch.zeros(len(windows), 6)
        for row, window in enumerate(windows):
            ends = float(torch.rand((), generator=generator)) < self.config.ending_share
            told.append(self._told(window.clip, generator, ends=ends))
            count = window.gap_steps if ends else len(window.following)
            rows.append(torch.cat([window.starting, window.following[:count]]))
            learned.append((torch.arange(len(rows[-1])) >= len(window.starting)).long())
            lengths.append(len(rows[-1]))
            endings.append(window.ending if ends else None)
            if ends:
                goals[row] = window.goal
        codes = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)
        mask = torch.arange(codes.shape[1])[None] < torch.tensor(lengths)[:, None]
        ending, ending_mask = pad_motions(endings, codes.shape[-1])
        condition = self.features.gather(told)
        return StepBatch(
            codes=_like_first(codes, mask),
            mask=mask,
            states=condition.embedding,
            states_mask=condition.mask,
            pooled=condition.pooled,
            has_text=torch.ones(len(rows), dtype=torch.bool),
            heard={},
            heard_present={},
            labels=torch.zeros(len(rows), len(LABELS), dtype=torch.long),
            learned=pad_rows(learned)[0].bool(),
            ending=ending,
            ending_mask=ending_mask,
            goal=goals,
        )

    def _told(self, clip: int, generator: torch.Generator, *, ends: bool) -> int:
        """Row of an instruction, or of a caption that says what happens."""
        captions = self.store.texts[clip]
        if captions and float(torch.rand((), generator=generator)) < self.config.caption_share:
            place = int(torch.randint(len(captions), (), generator=generator))
            return self.texts[captions[place]]
        wordings = self.wordings["motion_inbetweening" if ends else "motion_prediction"]
        return wordings[int(torch.randint(len(wordings), (), generator=generator))]


def _like_first(codes: Int[Tensor, "B L S"], mask: Tensor) -> Int[Tensor, "B L S"]:
    """Padding holds 0 in streams that the window has, -1 in those it lacks."""
    absent = (codes[:, :1] < 0).expand(codes.shape)
    return torch.where(mask[..., None], codes, torch.where(absent, -1, 0))
