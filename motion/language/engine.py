"""The decoding engine: conditions in, motion codes out, step by step, at any length.

Axes: B requests; R rows fed to the backbone (2B with guidance: conditioned, then free); S streams.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motion.conditioners import Condition
from motion.errors import RequestError
from motion.language.decoders import build_decoder, pack_layers
from motion.language.goals import GOAL_DIM
from motion.language.model import UNKNOWN_LENGTH, Gap, MotionLanguageModel
from motion.language.part_head import ABSENT
from motion.language.precision import Precision
from motion.language.sampling import SamplingConfig, cosine_table, guide, sample
from motion.language.signals import SignalFeed, StepSignals

StageTimer = Callable[[str], AbstractContextManager[None]]
"""Gives a context that measures a stage: ``prefill``, ``steps``, ``part_head``."""
MAX_OPEN_STEPS = 150
"""A motion of open length ends here at the latest (30 s)."""
END_SHARE = 0.5
"""A motion of open length ends when the model is this sure."""


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """How the engine runs."""

    precision: Precision = "float16"
    """Number format of the backbone's weights."""
    context_steps: int = 72
    """Steps in view; when full, the older ones are let go."""
    kept_steps: int = 36
    """Steps that stay in view when the older ones are let go."""


@dataclass(frozen=True, kw_only=True)
class StepRequest:
    """One motion to write."""

    num_steps: int | None
    """Length in steps; None lets the model end it."""
    seed: int = 0
    before: Int[Tensor, "L S"] | None = None
    """Steps that came before: the motion continues them."""
    forced: Mapping[int, Int[Tensor, " _"]] = field(default_factory=dict)
    """Stream index to codes that are given (keep the legs, make the arms)."""
    has_text: bool = True
    """False: the motion has no text, whatever its row of the condition holds."""
    streams: frozenset[int] | None = None
    """Streams to write; None: all. The others are absent from the motion."""
    ending: Int[Tensor, "E S"] | None = None
    """Steps that come after the new ones: the motion leads to them."""
    goal: Float[Tensor, " 6"] | None = None
    """``goal_features`` of the way there; only with an ending."""


class DecodingEngine:
    """Writes motion steps with a trained model."""

    def __init__(self, model: MotionLanguageModel, config: EngineConfig | None = None) -> None:
        self.model = model.eval()
        self.config = config or EngineConfig()
        self._tables = self._build_tables()
        self.layers = pack_layers(model.backbone, self.config.precision)

    @torch.no_grad()
    def _build_tables(self) -> list[Float[Tensor, "_ H"]]:
        """What each code of the body adds to the next position's input; last row: absent."""
        model = self.model
        pairs = zip(model.adapters, model.vocabulary.streams, strict=False)
        books = [adapter(model.codebook(stream)) for adapter, stream in pairs]
        return [torch.cat([b, gone[None]]) for b, gone in zip(books, model.absent, strict=True)]

    @cached_property
    def cosines(self) -> list[Float[Tensor, "_ _"]]:
        """How alike the codes of each stream are, for semantic-aware sampling; made when asked."""
        streams = self.model.vocabulary.streams
        return [cosine_table(self.model.codebook(stream)) for stream in streams]

    def generate(
        self,
        condition: Condition,
        requests: Sequence[StepRequest],
        sampling: SamplingConfig,
        timer: StageTimer | None = None,
        signals: StepSignals | None = None,
        *,
        first_step: int = 0,
    ) -> list[Int[Tensor, "L S"]]:
        """Write one motion per row of the condition and of the signals.

        With 8-bit weights, rows would share activation scales, so requests run one by one; other
        precisions run them as a batch.

        Raises:
            RequestError: The signals are not those that the model hears, or requests do not fit.
        """
        signals = signals or StepSignals()
        if self.config.precision == "int8" and len(requests) > 1:
            rows = [torch.tensor([index]) for index in range(len(requests))]
            singles = zip(rows, requests, strict=True)
            alone = partial(self.generate, first_step=first_step)
            return [
                alone(condition.rows(i), [one], sampling, timer, signals.rows(i))[0]
                for i, one in singles
            ]
        feed = SignalFeed.of(self.model.signals, signals)
        steps = list(self.stream(condition, requests, sampling, timer, feed, first_step))
        written = torch.stack(steps, dim=1)  # (B, L, S)
        lengths = [_length_of(request, row) for request, row in zip(requests, written, strict=True)]
        return [row[:length] for row, length in zip(written, lengths, strict=True)]

    @torch.no_grad()
    def stream(
        self,
        condition: Condition,
        requests: Sequence[StepRequest],
        sampling: SamplingConfig,
        timer: StageTimer | None = None,
        feed: SignalFeed | None = None,
        first_step: int = 0,
    ) -> Iterator[Int[Tensor, "B S"]]:
        """Yield the codes of one step after the other; ended rows and absent streams are -1.

        Args:
            condition: Text, one row a request.
            requests: What to write.
            sampling: How codes are chosen.
            timer: Measures stages.
            feed: What is heard.
            first_step: Step of the feed at which the new motion begins.
        """
        if condition.batch_size != len(requests):
            raise RequestError(f"{condition.batch_size} conditions for {len(requests)} requests")
        run = _Run(self, condition, requests, sampling, timer or _untimed, feed, first_step)
        longest = max(MAX_OPEN_STEPS if r.num_steps is None else r.num_steps for r in requests)
        for step in range(longest):
            codes = run.next_step(step)
            yield codes
            if bool(run.ended.all()):
                return


class _Run:
    """State of one call: cache, random generators, recent steps."""

    def __init__(
        self,
        engine: DecodingEngine,
        condition: Condition,
        requests: Sequence[StepRequest],
        sampling: SamplingConfig,
        timer: StageTimer,
        feed: SignalFeed | None,
        first_step: int,
    ) -> None:
        model = engine.model
        self.timer, self.feed = timer, feed
        self.engine, self.model, self.sampling, self.requests = engine, model, sampling, requests
        self.guided = sampling.guidance != 1
        rows = 2 if self.guided else 1
        self.generators = [torch.Generator().manual_seed(r.seed) for r in requests]
        self.followers = [torch.Generator().manual_seed(r.seed) for r in requests]
        self.streams = _common_streams(requests, len(model.vocabulary.streams))
        keep = torch.tensor([True, False][:rows]).repeat_interleave(len(requests))
        keep = keep & torch.tensor([request.has_text for request in requests]).repeat(rows)
        repeated = condition.rows(torch.arange(len(requests)).repeat(rows))
        self.pooled = model.pooled_condition(repeated, keep)
        self.told = model.pooled(self.pooled) if model.config.pooled_every_step else None
        gap = _gap_of(requests, rows, len(model.vocabulary.streams))
        self.prefix, self.prefix_mask = model.motion_prompt(repeated, keep, gap)
        self.leading = None if gap is None else model.goal_embedding(gap)
        self.head_tables = model.head.tables(
            [model.codebook(stream) for stream in model.vocabulary.streams]
        )
        lengths = [UNKNOWN_LENGTH if r.num_steps is None else r.num_steps for r in requests]
        before = [0 if r.before is None else len(r.before) for r in requests]
        if len(set(before)) != 1:
            raise RequestError("requests of one batch must continue equally many steps")
        self.given = before[0]
        self.offset = first_step - self.given
        total = [n if n == UNKNOWN_LENGTH else n + self.given for n in lengths]
        self.lengths = torch.tensor(total)[:, None]
        self.ended = torch.zeros(len(requests), dtype=torch.bool)
        capacity = self.prefix.shape[1] + engine.config.context_steps + 1
        precision = engine.config.precision
        self.decoder = build_decoder(model.backbone, capacity, precision, engine.layers)
        self.recent: list[Float[Tensor, "R 1 H"]] = []
        self.in_view = 0
        self.last: Int[Tensor, "B S"] | None = None
        self.heard: Float[Tensor, "#R 1 H"] = torch.zeros(1, 1, model.hidden_size)

    def next_step(self, step: int) -> Int[Tensor, "B S"]:
        """Choose the codes of step ``step``, counted from the first new one."""
        with self.timer("prefill" if step == 0 else "steps"):
            if step == 0 and self.given:
                hidden = self._feed_given()
            else:
                hidden = self._feed(self._input(step + self.given, self.last))
        with self.timer("part_head"):
            head = self.model.head
            codes = head.choose(
                head.states(hidden, self.pooled, self.heard[:, 0]),
                self.head_tables,
                None if self.last is None else self.last.repeat(2 if self.guided else 1, 1),
                lambda stream, logits: self._pick(stream, logits, step),
            )[: len(self.requests)]
        self.last = codes
        self._note_ends(hidden, step)
        return codes.masked_fill((self.ended_before)[:, None], -1)

    def _note_ends(self, hidden: Float[Tensor, "R H"], step: int) -> None:
        self.ended_before = self.ended.clone()
        sure = torch.sigmoid(self.model.end(hidden[: len(self.requests)])[:, 0])
        for row, request in enumerate(self.requests):
            if request.num_steps is None:
                self.ended[row] |= bool(sure[row] > END_SHARE)
            else:
                self.ended[row] |= step + 1 >= request.num_steps

    def _pick(
        self, stream: int, logits: Callable[[], Float[Tensor, "R N"]], step: int
    ) -> Int[Tensor, " R"]:
        rows = 2 if self.guided else 1
        if stream not in self.streams:
            return torch.full((len(self.requests) * rows,), ABSENT)
        guided = guide(logits(), self.sampling.guidance, self.guided)
        semantic = self.sampling.semantic_temperature is not None
        cosines = self.engine.cosines[stream] if semantic else None
        leads = stream < self.model.head.num_leading
        generators = self.generators if leads else self.followers
        chosen = sample(guided, self.sampling, generators, cosines)
        for row, request in enumerate(self.requests):
            given = request.forced.get(stream)
            if given is not None and step < len(given):
                chosen[row] = given[step]
        return chosen.repeat(rows)

    def _input(self, place: int, codes: Int[Tensor, "B S"] | None) -> Float[Tensor, "R 1 H"]:
        """Input of the position that predicts step ``place`` of the whole motion."""
        batch = len(self.requests)
        if codes is None:
            step = self.model.start.expand(batch, -1)
        else:  # code -1 takes the last row: absent
            tables = enumerate(self.engine._tables)
            step = torch.stack([table[codes[:, s]] for s, table in tables]).sum(0)
        position = torch.full((batch, 1), place)
        clock = self.model.clock(self.model.clock_features(position, self.lengths))
        rows: Tensor = (step[:, None] + clock).repeat(2 if self.guided else 1, 1, 1)
        rows = rows + self._hear(place)
        rows = rows if self.leading is None else rows + self.leading
        return rows if self.told is None else rows + self.told[:, None]

    def _hear(self, place: int) -> Float[Tensor, "#R 1 H"]:
        """What the step hears; the free half hears nothing."""
        if self.feed is None or self.offset + place < 0:
            return self.heard
        heard = self.feed.at(self.offset + place)
        if self.guided:
            heard = heard.expand(len(self.requests), -1, -1)
            heard = torch.cat([heard, torch.zeros_like(heard)])
        self.heard = heard
        return heard

    def _feed_given(self) -> Float[Tensor, "R H"]:
        given = torch.stack([r.before for r in self.requests if r.before is not None], dim=1)
        inputs = [self._input(0, None)]
        inputs += [self._input(place + 1, codes) for place, codes in enumerate(given)]
        self.last = given[-1]
        self.recent = inputs[-self.engine.config.kept_steps :]
        return self._refill()

    def _feed(self, embedding: Float[Tensor, "R 1 H"]) -> Float[Tensor, "R H"]:
        config = self.engine.config
        self.recent = [*self.recent, embedding][-config.kept_steps :]
        if self.in_view == 0 or self.in_view >= config.context_steps:
            return self._refill()
        self.in_view += 1
        mask = torch.ones(len(embedding), 1, dtype=torch.bool)
        return self.decoder.feed(embedding, mask)[:, -1]

    def _refill(self) -> Float[Tensor, "R H"]:
        """Start the cache anew with the prompt and the recent steps."""
        self.in_view = len(self.recent)
        steps = torch.cat(self.recent, dim=1)
        mask: Bool[Tensor, "R M"] = torch.ones(steps.shape[:2], dtype=torch.bool)
        return self.decoder.begin(self.prefix, self.prefix_mask, steps, mask)[:, -1]


def _untimed(stage: str) -> AbstractContextManager[None]:
    return nullcontext()


def _length_of(request: StepRequest, written: Int[Tensor, "L S"]) -> int:
    if request.num_steps is not None:
        return request.num_steps
    return int((written >= 0).any(-1).sum())


def _common_streams(requests: Sequence[StepRequest], count: int) -> frozenset[int]:
    """Streams that all requests of a batch ask for."""
    asked = {request.streams for request in requests}
    if len(asked) != 1:
        raise RequestError("requests of one batch must ask for the same parts")
    return asked.pop() or frozenset(range(count))


def _gap_of(requests: Sequence[StepRequest], rows: int, num_streams: int) -> Gap | None:
    """Endings of all requests, repeated for guidance; None where nobody has one."""
    if all(request.ending is None for request in requests):
        return None
    longest = max(0 if r.ending is None else len(r.ending) for r in requests)
    ending = torch.full((len(requests), longest, num_streams), ABSENT)
    mask = torch.zeros(len(requests), longest, dtype=torch.bool)
    goal = torch.zeros(len(requests), GOAL_DIM)
    for row, request in enumerate(requests):
        if request.ending is None:
            continue
        if request.goal is None:
            raise RequestError("a motion that leads to an ending needs the goal of its gap")
        ending[row, : len(request.ending)] = request.ending
        mask[row, : len(request.ending)] = True
        goal[row] = request.goal
    return Gap(
        ending=ending.repeat(rows, 1, 1), mask=mask.repeat(rows, 1), goal=goal.repeat(rows, 1)
    )
