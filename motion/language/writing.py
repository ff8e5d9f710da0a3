"""``TextWriter``: answers token by token, with a hard limit on thoughts and on answers.

An answer is ``<think>THOUGHT</think>ANSWER<end>``, or the answer alone for tasks without thoughts.
Motion tokens can never come: the text vocabulary is all there is to choose from.
Axes: B questions; W rows of the text vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import log_softmax

from motion.errors import RequestError
from motion.language.decoders import build_decoder
from motion.language.engine import DecodingEngine
from motion.language.reading import TextPrompt, copy_source, embed_prompt
from motion.language.sampling import SamplingConfig, sample

MOST_TOKENS = 2048
"""Longest answer or thought that can be asked for."""
RULE_TRIES = 32
"""Likely tokens that a rule is asked about one by one before it is asked about all of them."""

TokenRule = Callable[[Sequence[int], int], bool]
"""Whether a token, ``<end>`` among them, may follow the tokens of an answer so far."""


@dataclass(frozen=True, kw_only=True)
class WritingRequest:
    """How one answer is to be written."""

    seed: int = 0
    temperature: float = 0.0
    """0: always the likeliest token."""
    top_k: int = 0
    """Choose among this many likeliest tokens; 0: all."""
    max_tokens: int = 160
    """Of the answer."""
    thinks: bool = False
    """Whether a thought, perhaps an empty one, stands before the answer."""
    thinking_budget: int = 0
    """Most tokens of the thought; 0: it is empty."""
    allowed: TokenRule | None = None
    """Which tokens may come in the answer; None: all. Thoughts are free."""

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, value in (
            ("max_tokens", self.max_tokens),
            ("thinking_budget", self.thinking_budget),
        ):
            if not 0 <= value <= MOST_TOKENS:
                raise RequestError(f"{name} must lie between 0 and {MOST_TOKENS}, got {value}")


@dataclass(kw_only=True)
class Writing:
    """One answer while it is written and when it is done."""

    thought: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)
    finished: bool = False
    """It ended by itself, not at its limit."""
    done: bool = False
    log_likelihood: float = 0.0
    """Sum over the tokens of the answer, ``<end>`` included."""
    pending: list[int] = field(default_factory=list)
    """Tokens that are given, not chosen."""
    thinking: bool = False

    @property
    def mean_log_likelihood(self) -> float:
        """Per token of the answer."""
        return self.log_likelihood / max(len(self.answer) + self.finished, 1)


class TextWriter:
    """Writes text with the model of an engine."""

    def __init__(self, engine: DecodingEngine) -> None:
        self.engine, self.model = engine, engine.model
        ids = self.model.vocabulary.special_ids
        self.begin, self.end = ids["<pad>"], ids["<end>"]
        self.think, self.thought = ids["<think>"], ids["</think>"]
        self._never = [ids["<pad>"], ids["<motion>"], ids["</motion>"], ids["<think>"]]

    @torch.no_grad()
    def write(self, prompt: TextPrompt, requests: Sequence[WritingRequest]) -> list[Writing]:
        """Answer every question of a prompt; each as if it were alone.

        Raises:
            RequestError: The counts differ.
        """
        if len(prompt.payload) != len(requests):
            raise RequestError(f"{len(prompt.payload)} questions for {len(requests)} requests")
        rows = [_begun(request, self.think, self.thought) for request in requests]
        generators = [torch.Generator().manual_seed(request.seed) for request in requests]
        embedded, mask = embed_prompt(self.model, prompt)
        limits = [r.max_tokens + r.thinking_budget + 4 for r in requests]
        engine = self.engine
        decoder = build_decoder(
            self.model.backbone,
            embedded.shape[1] + max(limits) + 1,
            engine.config.precision,
            engine.layers,
        )
        tokens = torch.full((len(requests), 1), self.begin)
        real: Bool[Tensor, "B 1"] = torch.ones(len(requests), 1, dtype=torch.bool)
        hidden = decoder.begin(embedded, mask, self.model.text_embeddings(tokens), real)
        source = copy_source(self.model, prompt)
        for _ in range(max(limits)):
            logits = self.model.text_logits(hidden[:, -1:])
            logits = self.model.copying(hidden[:, -1:], logits, source)[:, 0]
            chosen = [
                self._next(row, request, line, generator)
                for row, request, line, generator in zip(
                    rows, requests, logits, generators, strict=True
                )
            ]
            if all(row.done for row in rows):
                break
            inputs = self.model.text_embeddings(torch.tensor(chosen)[:, None])
            hidden = decoder.feed(inputs, real)
        return rows

    def _next(
        self,
        row: Writing,
        request: WritingRequest,
        logits: Float[Tensor, " W"],
        generator: torch.Generator,
    ) -> int:
        """Choose one token and note what it means."""
        if row.done:
            return self.begin
        if row.pending:
            token = row.pending.pop(0)
            row.thinking = token == self.think
            if not row.pending and not row.thinking and request.max_tokens == 0:
                row.done = True
            return token
        if row.thinking:
            return self._next_thought(row, request, logits, generator)
        if len(row.answer) >= request.max_tokens:
            row.done = True
            return self.begin
        allowed = self._without(logits, self.thought)
        token = self._ruled(allowed, row.answer, request, generator)
        row.log_likelihood += float(log_softmax(logits.float(), dim=-1)[token])
        if token == self.end:
            row.finished = row.done = True
        else:
            row.answer.append(token)
        return token

    def _next_thought(
        self,
        row: Writing,
        request: WritingRequest,
        logits: Float[Tensor, " W"],
        generator: torch.Generator,
    ) -> int:
        if len(row.thought) >= request.thinking_budget:
            token = self.thought
        else:
            token = _drawn(self._without(logits, self.end), request, generator)
        if token == self.thought:
            row.thinking = False
            row.done = request.max_tokens == 0
        else:
            row.thought.append(token)
        return token

    def _ruled(
        self,
        logits: Float[Tensor, " W"],
        answer: Sequence[int],
        request: WritingRequest,
        generator: torch.Generator,
    ) -> int:
        """Choose among the tokens that the rule of a request lets through.

        Drawing again without what was refused is drawing from the allowed tokens alone, and the
        likeliest few nearly always hold one; only then is the rule asked about every token. Where
        it lets nothing through the answer ends.
        """
        rule = request.allowed
        if rule is None:
            return _drawn(logits, request, generator)
        for _ in range(RULE_TRIES):
            token = _drawn(logits, request, generator)
            if rule(answer, token):
                return token
            logits[token] = -torch.inf
        possible = torch.isfinite(logits).nonzero()[:, 0].tolist()
        refused = [token for token in possible if not rule(answer, token)]
        if len(refused) == len(possible):
            return self.end
        logits[refused] = -torch.inf
        return _drawn(logits, request, generator)

    def _without(self, logits: Float[Tensor, " W"], also: int) -> Float[Tensor, " W"]:
        """The logits with those of tokens that can never stand here taken out."""
        allowed = logits.float().clone()
        allowed[[*self._never, also]] = -torch.inf
        return allowed


def _drawn(logits: Float[Tensor, " W"], request: WritingRequest, generator: torch.Generator) -> int:
    sampling = SamplingConfig(temperature=request.temperature, top_k=request.top_k)
    return int(sample(logits[None], sampling, [generator])[0])


def _begun(request: WritingRequest, think: int, thought: int) -> Writing:
    """Before the first token; an empty thought is given, not chosen."""
    if not request.thinks:
        return Writing(done=request.max_tokens == 0)
    return Writing(pending=[think] if request.thinking_budget else [think, thought])
