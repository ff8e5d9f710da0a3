"""``MotionLanguageModel``: motion steps in and out of a language model (DESIGN section 8).

One position stands for one code step. Its input is the sum over streams of an adapter applied to
the body's codebook vectors of the step before, plus the pooled text, what is heard in the step
(music, speech), a clock and, in a gap, where it leads; its output goes to the part head. In front
stands the prompt: token states of the text, the motion that follows a gap. What answers in words
reads its prompt in the same way (``reading.py``). Axes: S streams; H width of the backbone; E width
of the text features; P positions of the prompt; L positions of the response.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motion.conditioners import Condition
from motion.language.backbone import (
    BackboneConfig,
    base_model,
    build_backbone,
    check_positions,
    has_tied_head,
    head_scale,
    is_encoder_decoder,
)
from motion.language.copying import CopyHead
from motion.language.encoder_decoder import decode_response, encode_prompt
from motion.language.goals import GOAL_DIM
from motion.language.part_head import PartHead, PartHeadConfig
from motion.language.signals import SignalConfig, SignalReader, StepSignals
from motion.language.vocabulary import Stream, Vocabulary

CLOCK_SECONDS = (0.4, 1.6, 6.4, 25.6)
"""Time constants of the clock: how far the start and the end are, on four scales."""
CLOCK_LIMIT_SECONDS = 12.0
"""Beyond this the clock stands still: longer motions were never trained, their middles were."""
UNKNOWN_LENGTH = -1


@dataclass(frozen=True, kw_only=True)
class MotionLanguageModelConfig:
    """Sizes and switches of the motion language model."""

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    """The language model inside."""
    head: PartHeadConfig = field(default_factory=PartHeadConfig)
    """The part head."""
    condition_dim: int = 384
    """Width of the text encoder's states."""
    steps_per_second: float = 5.0
    """Code rate, for the clock."""
    num_text_pieces: int = 4096
    """Pieces of the text tokenizer."""
    signals: dict[str, SignalConfig] = field(default_factory=dict)
    """Signals heard step by step (``music``, ``speech``, ``transcript``); empty: text only."""
    pooled_every_step: bool = True
    """Add the pooled condition at every step; off only to measure what it brings."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What lies behind the steps that are to be written."""

    ending: Int[Tensor, "B E S"]
    """Codes of the motion after the gap."""
    mask: Bool[Tensor, "B E"]
    """Real steps of it; a row without any has no ending."""
    goal: Float[Tensor, "B 6"]
    """``goal_features`` of the gap; zeros in a row without an ending."""


@dataclass(frozen=True)
class MotionLogits:
    """Predictions for every step."""

    codes: list[Float[Tensor, "B L _"]]
    """Per stream."""
    end: Float[Tensor, "B L"]
    """Logit of "this step is the last one", meant for steps of unknown length."""


class MotionLanguageModel(nn.Module):
    """A ``transformers`` language model that also reads and writes motion steps."""

    condition_mean: Tensor
    condition_std: Tensor
    pooled_mean: Tensor
    pooled_std: Tensor

    def __init__(
        self,
        config: MotionLanguageModelConfig,
        streams: tuple[Stream, ...],
        backbone: Any | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone or build_backbone(config.backbone, config.num_text_pieces)
        self.vocabulary = Vocabulary(self.backbone.config.vocab_size, streams)
        H, E = int(self.backbone.config.hidden_size), config.condition_dim
        self.hidden_size = H
        self.special = nn.Embedding(len(self.vocabulary.special_ids), H)
        self.special_head = self._own_special_head()
        leading = streams[: self.vocabulary.num_leading]
        self.adapters = nn.ModuleList(nn.Linear(s.code_dim, H, bias=False) for s in leading)
        self.absent = nn.Parameter(torch.zeros(len(leading), H))
        self.start = nn.Parameter(torch.zeros(H))
        self.goal = nn.Linear(GOAL_DIM, H)
        self.prefix = nn.Linear(E, H)
        self.pooled = nn.Linear(E, H)
        self.no_condition = nn.Parameter(torch.zeros(H))
        self.clock = nn.Linear(2 * len(CLOCK_SECONDS) + 1, H)
        self.head = PartHead(H, E, streams, config.head)
        self.end = nn.Linear(H, 1)
        self.copying = CopyHead(H)
        scale = float(self.backbone.get_input_embeddings().weight.detach().std())
        self.signals = SignalReader(config.signals, H, scale)
        self._initialise(scale)
        for name in ("condition", "pooled"):
            self.register_buffer(f"{name}_mean", torch.zeros(E))
            self.register_buffer(f"{name}_std", torch.ones(E))
        for stream in streams:
            book = torch.zeros(stream.codebook_size, stream.code_dim)
            self.register_buffer(f"codebook_{stream.name}", book)
        if config.backbone.freeze_embedding:
            self.backbone.get_input_embeddings().requires_grad_(requires_grad=False)

    def _initialise(self, scale: float) -> None:
        """Give every new input the scale of the backbone's own embeddings."""
        for layer in (self.prefix, self.pooled, self.clock):
            nn.init.normal_(layer.weight, std=scale / layer.in_features**0.5)
            nn.init.zeros_(layer.bias)
        for value in (self.absent, self.start, self.no_condition):
            nn.init.normal_(value, std=scale)
        nn.init.zeros_(self.goal.weight)  # weights from before there were gaps lack it
        nn.init.zeros_(self.goal.bias)
        nn.init.normal_(self.special.weight, std=scale)

    def _own_special_head(self) -> nn.Embedding | None:
        """Rows that write special tokens, if the backbone writes pieces by rows of their own."""
        if has_tied_head(self.backbone):
            return None
        rows = nn.Embedding(len(self.vocabulary.special_ids), self.hidden_size)
        head = self.backbone.get_output_embeddings().weight.detach()
        nn.init.normal_(rows.weight, std=float(head.std()))
        return rows

    def set_codebook(self, stream: Stream, codebook: Float[Tensor, "N D"]) -> None:
        """Take a stream's code vectors and scale its adapter to them."""
        self.get_buffer(f"codebook_{stream.name}").copy_(codebook)
        if stream.follows:
            return
        scale = float(self.special.weight.detach().std())
        layer = self.adapters[self.vocabulary.streams.index(stream)]
        norm = float(codebook.square().sum(-1).mean().sqrt()) + 1e-6
        nn.init.normal_(layer.weight, std=scale / norm)  # type: ignore[arg-type]

    def set_condition_statistics(self, condition: Condition) -> None:
        """Standardise states and pooled vectors by those of the training texts."""
        states = condition.embedding[condition.mask].float()
        pooled = condition.pooled.float()
        self.condition_mean.copy_(states.mean(0))
        self.condition_std.copy_(states.std(0) + 1e-4)
        self.pooled_mean.copy_(pooled.mean(0))
        self.pooled_std.copy_(pooled.std(0) + 1e-4)

    def codebook(self, stream: Stream) -> Float[Tensor, "N D"]:
        """Code vectors of a stream."""
        return self.get_buffer(f"codebook_{stream.name}")

    def pooled_condition(
        self, condition: Condition, keep: Bool[Tensor, " B"] | None = None
    ) -> Float[Tensor, "B E"]:
        """Standardised pooled condition; zeros where it is dropped."""
        pooled = (condition.pooled.float() - self.pooled_mean) / self.pooled_std
        return pooled if keep is None else pooled * keep[:, None]

    def prefix_embeddings(
        self, condition: Condition, keep: Bool[Tensor, " B"] | None = None
    ) -> Float[Tensor, "B P H"]:
        """What stands before the motion; where the condition is dropped, one learned vector."""
        states = (condition.embedding.float() - self.condition_mean) / self.condition_std
        embedded: Tensor = self.prefix(states)
        if keep is None:
            return embedded
        return torch.where(keep[:, None, None], embedded, self.no_condition)

    def clock_features(
        self, step: Int[Tensor, "B L"], length: Int[Tensor, "B 1"]
    ) -> Float[Tensor, "B L F"]:
        """How far away start and end are; ``UNKNOWN_LENGTH`` says that the end is open."""
        scales = torch.tensor(CLOCK_SECONDS, device=step.device) * self.config.steps_per_second
        limit = round(CLOCK_LIMIT_SECONDS * self.config.steps_per_second)
        since = torch.exp(-step.clamp(max=limit)[..., None] / scales)
        known = (length != UNKNOWN_LENGTH).float().expand(step.shape)[..., None]
        left = torch.exp(-(length - step).clamp(0, limit)[..., None] / scales) * known
        return torch.cat([since, left, known], dim=-1)

    def step_vectors(self, codes: Int[Tensor, "B L S"]) -> list[Float[Tensor, "B L _"]]:
        """Codebook vectors of all streams."""
        streams = enumerate(self.vocabulary.streams)
        return [self.codebook(stream)[codes[..., s].clamp(min=0)] for s, stream in streams]

    def embed_steps(
        self, vectors: list[Float[Tensor, "B L _"]], present: Bool[Tensor, "B 1 S"]
    ) -> Float[Tensor, "B L H"]:
        """Sum of the body's adapted code vectors; absent streams give their own learned vector."""
        total: Tensor = torch.zeros((), device=vectors[0].device)
        for index, adapter in enumerate(self.adapters):
            here = present[..., index : index + 1]
            total = total + torch.where(here, adapter(vectors[index]), self.absent[index])
        return total

    def forward(
        self,
        codes: Int[Tensor, "B L S"],
        mask: Bool[Tensor, "B L"],
        condition: Condition,
        *,
        signals: StepSignals | None = None,
        keep: Bool[Tensor, " B"] | None = None,
        told_length: Int[Tensor, "B 1"] | None = None,
        read: Int[Tensor, "B L S"] | None = None,
        gap: Gap | None = None,
    ) -> MotionLogits:
        """Predict every step from those before it.

        Args:
            codes: True codes; negative where a stream is absent from the whole clip.
            mask: Real steps; padding stands at the end.
            condition: Text, with padding at the *start* of its token axis or anywhere.
            signals: What is heard in each step.
            keep: False drops the text (classifier-free guidance training, or there is none).
            told_length: Length in steps that the clock tells; ``UNKNOWN_LENGTH`` hides it.
            read: Codes as the model reads them, if they differ from the true ones (corruption).
            gap: What comes after the steps.
        """
        B, L, _ = codes.shape
        present = (codes[:, :1] >= 0).all(1, keepdim=True)
        vectors = self.step_vectors(codes)
        steps = self.embed_steps(vectors if read is None else self.step_vectors(read), present)
        steps = torch.cat([self.start.expand(B, 1, -1), steps[:, :-1]], dim=1)
        if told_length is None:
            told_length = mask.sum(1, keepdim=True)
        place = torch.arange(L, device=codes.device).expand(B, L)
        steps = steps + self.clock(self.clock_features(place, told_length))
        pooled = self.pooled_condition(condition, keep)
        if self.config.pooled_every_step:
            steps = steps + self.pooled(pooled)[:, None]
        heard = self.signals(signals or StepSignals())
        steps = steps + heard
        if gap is not None:
            steps = steps + self.goal_embedding(gap)
        prompt, prompt_mask = self.motion_prompt(condition, keep, gap)
        _, hidden = self.respond(prompt, prompt_mask, steps, mask)
        logits = self.head(hidden, pooled[:, None], vectors, present, heard)
        return MotionLogits(logits, self.end(hidden)[..., 0])

    def motion_prompt(
        self, condition: Condition, keep: Bool[Tensor, " B"] | None = None, gap: Gap | None = None
    ) -> tuple[Float[Tensor, "B P H"], Bool[Tensor, "B P"]]:
        """What stands before motion steps: the text and, if there is one, the gap's ending."""
        prefix, mask = self.prefix_embeddings(condition, keep), condition.mask
        if gap is None:
            return prefix, mask
        ending, ending_mask = self.motion_span(gap.ending, gap.mask)
        return torch.cat([prefix, ending], dim=1), torch.cat([mask, ending_mask], dim=1)

    def motion_span(
        self, codes: Int[Tensor, "B L S"], mask: Bool[Tensor, "B L"]
    ) -> tuple[Float[Tensor, "B P H"], Bool[Tensor, "B P"]]:
        """A given motion between its two marks; rows without a step have no marks either."""
        B = len(codes)
        ids = self.vocabulary.special_ids
        marks = torch.tensor([ids["<motion>"], ids["</motion>"]], device=codes.device)
        first, last = self.text_embeddings(marks.expand(B, 2)).tensor_split(2, dim=1)
        present = (codes[:, :1] >= 0).all(1, keepdim=True)
        steps = self.embed_steps(self.step_vectors(codes), present)
        there = mask.any(1, keepdim=True)
        return (
            torch.cat([first, steps, last], dim=1),
            torch.cat([there, mask, there], dim=1),
        )

    @property
    def knows_gaps(self) -> bool:
        """Whether it was ever trained on gaps; what leads to an end starts as zeros."""
        return bool(self.goal.weight.any())

    def goal_embedding(self, gap: Gap) -> Float[Tensor, "B 1 H"]:
        """Where the gap leads, for every step; zeros for rows without an ending."""
        there = gap.mask.any(1)[:, None]
        embedded: Tensor = self.goal(gap.goal) * there
        return embedded[:, None]

    def respond(
        self,
        prompt: Float[Tensor, "B P H"],
        prompt_mask: Bool[Tensor, "B P"],
        response: Float[Tensor, "B L H"],
        mask: Bool[Tensor, "B L"],
    ) -> tuple[Float[Tensor, "B P H"] | None, Float[Tensor, "B L H"]]:
        """Last hidden states of a prompt and of the response to it.

        Those of the prompt are None where it is read in both directions: none predicts the next.
        """
        if is_encoder_decoder(self.backbone):
            encoded = encode_prompt(self.backbone, prompt, prompt_mask)
            return None, decode_response(self.backbone, encoded, response, mask)
        hidden = self.run_backbone(
            torch.cat([prompt, response], dim=1), torch.cat([prompt_mask, mask], dim=1)
        )
        return hidden[:, : prompt.shape[1]], hidden[:, prompt.shape[1] :]

    def run_backbone(
        self, embeddings: Float[Tensor, "B M H"], mask: Bool[Tensor, "B M"]
    ) -> Float[Tensor, "B M H"]:
        """Last hidden states of a causal backbone; positions count real inputs only.

        Raises:
            RequestError: The backbone has fewer positions than there are inputs.
        """
        check_positions(self.backbone, embeddings.shape[1])
        positions = (mask.long().cumsum(1) - 1).clamp(min=0)
        result = base_model(self.backbone)(
            inputs_embeds=embeddings,
            attention_mask=mask.long(),
            position_ids=positions,
            use_cache=False,
        )
        hidden: Tensor = result.last_hidden_state
        return hidden

    def text_embeddings(self, token_ids: Int[Tensor, "B M"]) -> Float[Tensor, "B M H"]:
        """Embeddings of text pieces and special tokens."""
        pieces = self.vocabulary.num_text_pieces
        text = self.backbone.get_input_embeddings()(token_ids.clamp(max=pieces - 1))
        special = self.special((token_ids - pieces).clamp(min=0))
        return torch.where((token_ids < pieces)[..., None], text, special)

    def text_logits(self, hidden: Float[Tensor, "*batch H"]) -> Float[Tensor, "*batch M"]:
        """Logits over text pieces (as the plain backbone gives them), then special tokens."""
        hidden = hidden * head_scale(self.backbone)
        text = self.backbone.get_output_embeddings()(hidden)
        special = self.special if self.special_head is None else self.special_head
        return torch.cat([text, hidden @ special.weight.T], dim=-1)
