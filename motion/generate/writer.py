"""``CodeWriter``: requests in, motion codes out: actions in order, passes by signal, candidates.

Axes: S streams; L steps.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Int
from torch import Tensor

from motion.conditioners import Condition, TextEncoder, no_text
from motion.generate.clauses import share_steps, split_clauses
from motion.generate.hearing import Hearing, SoundCurves, only, stack_signals
from motion.generate.part_plan import PartPass
from motion.generate.requests import GenerationRequest
from motion.language import ABSENT, DecodingEngine, StepRequest, StepSignals
from motion.tokenizer import MotionTokenizer

LEAST_CLAUSE_STEPS = 5
"""With less than a second for each action a sentence is not taken apart."""
CLAUSE_CONTEXT_STEPS = 2
"""Steps that the next action goes on from. More made the model keep on with the action before:
of nine held-out sentences with two or three actions 6 passed with 2 steps, 5 with 6, 4 with 20,
and at most 1 when the sentence was not taken apart."""

Rows = Int[Tensor, "_ S"]
Ranking = Callable[[Sequence[Rows], Condition], int]
"""Says which candidate is nearest to a text."""


@dataclass
class Clock:
    """CPU seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to ``name``."""
        start = time.process_time()
        try:
            yield
        finally:
            spent = time.process_time() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + spent


@dataclass(frozen=True)
class Clause:
    """One action of a sentence and its length; no text, or None steps: the model ends it."""

    text: str | None
    num_steps: int | None


@dataclass(frozen=True)
class CodeWriter:
    """Runs the engine as often as requests need."""

    engine: DecodingEngine
    tokenizer: MotionTokenizer
    text_encoder: TextEncoder
    hearing: Hearing
    ranking: Ranking

    def clauses(self, request: GenerationRequest, drive: PartPass) -> list[Clause]:
        """What a pass says in order, with the steps that each action gets."""
        steps = request.num_steps(self.tokenizer.frames_per_code)
        if request.text is None or "text" not in drive.signals:
            return [Clause(None, steps)]
        texts = split_clauses(request.text)
        if steps is None:
            return [Clause(text, None) for text in texts]
        if steps < len(texts) * LEAST_CLAUSE_STEPS:
            return [Clause(request.text, steps)]
        shares = share_steps(steps, len(texts))
        return [Clause(text, share) for text, share in zip(texts, shares, strict=True)]

    def streams_of(self, parts: Sequence[str]) -> frozenset[int]:
        """Streams of some parts."""
        streams = self.engine.model.vocabulary.streams
        return frozenset(i for i, stream in enumerate(streams) if stream.part in parts)

    def write(
        self,
        requests: Sequence[GenerationRequest],
        passes: Sequence[PartPass],
        given: Sequence[dict[int, Int[Tensor, " _"]]],
        clock: Clock,
        curves: Sequence[SoundCurves],
        opening: Int[Tensor, "_ S"] | None = None,
    ) -> list[Rows]:
        """Codes of some requests that share sampling and passes.

        Args:
            requests: What is asked for.
            passes: Runs and the parts that each is to make.
            given: For each request the codes of streams that are kept.
            clock: Counts CPU seconds.
            curves: For each request, collects what clean-up needs to know of its sounds.
            opening: Steps that were there before; all requests go on from them.
        """
        forced = [dict(codes) for codes in given]
        pairs = zip(requests, curves, strict=True)
        heard = [self._heard(request, clock, into) for request, into in pairs]
        vocabulary = self.engine.model.vocabulary
        body = frozenset(range(vocabulary.num_leading))
        drawn: list[Rows] = []
        for number, drive in enumerate(passes):
            making = self.streams_of(drive.parts)
            active = making | frozenset(stream for codes in forced for stream in codes)
            active = active | body if len(passes) > 1 else active
            signals = [only(one, drive.signals) for one in heard]
            run = _Pass(self, forced, active, clock, opening)
            drawn = self._write_pass(run, requests, drive, signals)
            if number + 1 < len(passes):
                for codes, rows in zip(forced, drawn, strict=True):
                    codes |= {stream: rows[:, stream] for stream in making}
        return drawn

    def _heard(self, request: GenerationRequest, clock: Clock, curves: SoundCurves) -> StepSignals:
        steps = request.num_steps(self.tokenizer.frames_per_code)
        if steps is None or not request.sounds:
            return StepSignals(labels=self.hearing.labels(request))
        with clock.stage("sound"):
            return self.hearing.signals(request, steps, curves)

    def _write_pass(
        self,
        run: "_Pass",
        requests: Sequence[GenerationRequest],
        drive: PartPass,
        signals: Sequence[StepSignals],
    ) -> list[Rows]:
        plans = [self.clauses(request, drive) for request in requests]
        drawn = run.clause(requests, [plan[0] for plan in plans], signals, None)
        for index, (request, plan) in enumerate(zip(requests, plans, strict=True)):
            alone = replace(run, forced=[run.forced[index]])
            for clause in plan[1:]:  # each action goes on from the last steps of the one before
                before = drawn[index]
                made = alone.clause([request], [clause], [signals[index]], before)
                drawn[index] = torch.cat([before, *made])
        return drawn

    def condition_of(self, clauses: Sequence[Clause]) -> Condition:
        """Texts of some clauses; those without one get a stand-in."""
        if all(clause.text is None for clause in clauses):
            return no_text(len(clauses), self.text_encoder.dim)
        return self.text_encoder.encode([clause.text or "-" for clause in clauses])

    def step_requests(
        self,
        request: GenerationRequest,
        clause: Clause,
        before: Int[Tensor, "_ S"] | None,
        active: frozenset[int],
        forced: dict[int, Int[Tensor, " L"]],
        opening: Int[Tensor, "_ S"] | None = None,
    ) -> list[StepRequest]:
        """One for each candidate; without a text there is nothing to choose by."""
        seeds = request.candidate_seeds if clause.text else (request.seed,)
        context = opening if before is None else before[-CLAUSE_CONTEXT_STEPS:]
        start = 0 if before is None else len(before)
        return [
            StepRequest(
                num_steps=clause.num_steps,
                seed=seed,
                before=context,
                has_text=clause.text is not None,
                streams=active,
                forced={stream: codes[start:] for stream, codes in forced.items()},
            )
            for seed in seeds
        ]


@dataclass(frozen=True)
class _Pass:
    """One run of some requests."""

    writer: CodeWriter
    forced: Sequence[dict[int, Int[Tensor, " L"]]]
    active: frozenset[int]
    clock: Clock
    opening: Int[Tensor, "_ S"] | None = None

    def clause(
        self,
        requests: Sequence[GenerationRequest],
        clauses: Sequence[Clause],
        signals: Sequence[StepSignals],
        before: Int[Tensor, "_ S"] | None,
    ) -> list[Int[Tensor, "_ S"]]:
        """Codes of one clause of each request: the best of its candidates."""
        writer = self.writer
        with self.clock.stage("text"):
            texts = writer.condition_of(clauses)
        steps = [
            writer.step_requests(request, clause, before, self.active, forced, self.opening)
            for request, clause, forced in zip(requests, clauses, self.forced, strict=True)
        ]
        owners = torch.tensor([row for row, made in enumerate(steps) for _ in made])
        together = stack_signals(list(signals))
        codes = writer.engine.generate(
            texts.rows(owners),
            [step for made in steps for step in made],
            requests[0].sampling,
            self.clock.stage,
            together.rows(owners),
            first_step=0 if before is None else len(before),
        )
        result = []
        for row in range(len(clauses)):
            drawn = [rows for rows, owner in zip(codes, owners, strict=True) if owner == row]
            result.append(self._best(drawn, texts.rows([row])))
        return result

    def _best(self, drawn: Sequence[Rows], text: Condition) -> Rows:
        """The candidate that is nearest to what was asked."""
        if len(drawn) == 1:
            return drawn[0]
        with self.clock.stage("ranking"):
            return drawn[self.writer.ranking(drawn, text)]


def codes_by_part(rows: Rows, parts: Sequence[str], levels: Sequence[int]) -> dict[str, Tensor]:
    """Streams back to codes per part, levels in order; parts that are absent are left out.

    Args:
        rows: Codes of all streams.
        parts: Part of each stream.
        levels: Quantizer level of each stream.
    """
    columns: dict[str, list[tuple[int, Tensor]]] = {}
    for index, (part, level) in enumerate(zip(parts, levels, strict=True)):
        if bool((rows[:, index] != ABSENT).all()):
            columns.setdefault(part, []).append((level, rows[:, index]))
    return {
        part: torch.stack([codes for _, codes in sorted(found, key=lambda pair: pair[0])], dim=-1)
        for part, found in columns.items()
    }
