"""``MotionGenerator``: text in, motion out."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motion.alignment import AlignmentModel, MotionLibrary, RetrievedMotion
from motion.conditioners import Condition, TextEncoder
from motion.errors import RequestError, WeightsError
from motion.generate.checkpoint import (
    ALIGNMENT_FOLDER,
    CHECKPOINT_VARIABLE,
    DEFAULT_CHECKPOINT,
    LANGUAGE_FOLDER,
    LIBRARY_FOLDER,
    TOKENIZER_FOLDER,
    LoadedLanguageModel,
    check_fit,
    checkpoint_sampling,
    load_language_model,
    read_checkpoint_config,
)
from motion.generate.clauses import share_steps, split_clauses
from motion.generate.cleanup import FootLockConfig, foot_lock
from motion.generate.foot_contacts import ContactConfig
from motion.generate.requests import GenerationRequest, GenerationResult
from motion.language import DecodingEngine, EngineConfig, SamplingConfig, StepRequest
from motion.representation import PART_NAMES, PARTS, Motion, motion_from_features
from motion.tokenizer import MotionTokenizer, StreamDecoder

GENERATED_FEET = FootLockConfig(contacts=ContactConfig(max_slide_speed=1.6))
"""A generated foot that is labelled planted is never meant to slide; captured ones may be."""

LEAST_CLAUSE_STEPS = 5
"""With less than a second for each action a sentence is not taken apart."""
CLAUSE_CONTEXT_STEPS = 2
"""Steps that the next action goes on from. More made the model keep on with the action before:
of nine held-out sentences with two or three actions 6 passed with 2 steps, 5 with 6, 4 with 20,
and at most 1 when the sentence was not taken apart."""


@dataclass(frozen=True)
class _Clause:
    """One action of a sentence and its length; None lets the model end it."""

    text: str
    num_steps: int | None


@dataclass
class _Clock:
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


class MotionGenerator:
    """A tokenizer, a language model and a text encoder, ready to use."""

    def __init__(
        self,
        tokenizer: MotionTokenizer,
        language: LoadedLanguageModel,
        text_encoder: TextEncoder,
        *,
        engine: EngineConfig | None = None,
        sampling: SamplingConfig | None = None,
    ) -> None:
        self.tokenizer, self.language, self.text_encoder = tokenizer, language, text_encoder
        self.engine = DecodingEngine(language.model, engine)
        self.sampling = sampling or SamplingConfig()
        self.candidates = 1
        """Motions made for each call of ``generate`` unless it says otherwise."""
        self.folder: Path | None = None
        self._space: tuple[AlignmentModel, MotionLibrary] | None = None

    @classmethod
    def from_pretrained(
        cls,
        checkpoint: Path | str | None = None,
        *,
        text_encoder: Path | str | None = None,
        engine: EngineConfig | None = None,
    ) -> Self:
        """Load a release folder.

        Args:
            checkpoint: Folder with ``config.yaml``; None takes the one that ``MOTION_CHECKPOINT``
                names, else the default weights of this repository.
            text_encoder: Folder or hub id of the text encoder; None takes the packaged one.
            engine: How decoding runs.

        Raises:
            WeightsError: The folder is missing, incomplete, or its files do not fit together.
        """
        folder = Path(checkpoint or os.environ.get(CHECKPOINT_VARIABLE) or DEFAULT_CHECKPOINT)
        config = read_checkpoint_config(folder)
        tokenizer = MotionTokenizer.load(folder / TOKENIZER_FOLDER)
        language = load_language_model(folder / LANGUAGE_FOLDER)
        check_fit(tokenizer, language, folder)
        encoder = TextEncoder.load(text_encoder)
        expected = language.model.config.condition_dim
        if encoder.dim != expected:
            raise WeightsError(
                f"{folder}: the language model reads a text encoder {expected} wide, the one in "
                f"{encoder.folder} is {encoder.dim} wide; take the one it was trained with"
            )
        sampling = checkpoint_sampling(config, folder)
        generator = cls(tokenizer, language, encoder, engine=engine, sampling=sampling)
        generator.folder = folder
        generator.candidates = int(config.get("candidates", 1))
        return generator

    def generate(
        self,
        *,
        text: str,
        seconds: float | int | None = None,
        seed: int = 0,
        guidance: float | int | None = None,
        temperature: float | int | None = None,
        top_k: int | None = None,
        foot_lock: bool = True,
        candidates: int | None = None,
    ) -> GenerationResult:
        """Make one motion.

        Args:
            text: What the person does.
            seconds: Length, 0.5 to 600; None lets the model end the motion.
            seed: Same request and seed, same motion.
            guidance: How strictly the text is followed; None takes the checkpoint's default.
            temperature: Variety; 0 is greedy; None takes the default.
            top_k: Choose among this many likeliest codes; None takes the default.
            foot_lock: Keep planted feet from sliding.
            candidates: Make this many and keep the one nearest to the text; None takes the default.

        Raises:
            RequestError: The request is not possible; the message says why.
        """
        given = {"guidance": guidance, "temperature": temperature, "top_k": top_k}
        changes: dict[str, Any] = {
            name: value if name == "top_k" else float(value)
            for name, value in given.items()
            if value is not None
        }
        sampling = replace(self.sampling, **changes)
        request = GenerationRequest(
            text=text,
            seconds=None if seconds is None else float(seconds),
            seed=seed,
            sampling=sampling,
            foot_lock=foot_lock,
            candidates=self.candidates if candidates is None else candidates,
        )
        return self.generate_batch([request])[0]

    def generate_batch(self, requests: Sequence[GenerationRequest]) -> list[GenerationResult]:
        """Make several motions at once; each is what a single call would give."""
        results: dict[int, GenerationResult] = {}
        groups: dict[SamplingConfig, list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault(request.sampling, []).append(index)
        for members in groups.values():
            made = self._generate_group([requests[i] for i in members])
            results |= dict(zip(members, made, strict=True))
        return [results[index] for index in range(len(requests))]

    def _generate_group(self, requests: Sequence[GenerationRequest]) -> list[GenerationResult]:
        clock = _Clock()
        plans = [self._clauses(request) for request in requests]
        drawn = self._write(requests, [plan[0] for plan in plans], None, clock)
        results = []
        for request, plan, rows in zip(requests, plans, drawn, strict=True):
            for clause in plan[1:]:  # each action goes on from the last steps of the one before
                rows = torch.cat([rows, *self._write([request], [clause], rows, clock)])
            motion = self._finish(request, rows, clock)
            results.append(
                GenerationResult(
                    motion=motion,
                    text=request.text,
                    seed=request.seed,
                    timings=clock.seconds,
                    warnings=self._warnings(),
                )
            )
        return results

    def _clauses(self, request: GenerationRequest) -> list[_Clause]:
        """What a request says in order, with the steps that each action gets."""
        frames = request.num_frames
        texts = split_clauses(request.text)
        if frames is None:
            return [_Clause(text, None) for text in texts]
        steps = ceil(frames / self.tokenizer.frames_per_code)
        if steps < len(texts) * LEAST_CLAUSE_STEPS:
            return [_Clause(request.text, steps)]
        shares = share_steps(steps, len(texts))
        return [_Clause(text, share) for text, share in zip(texts, shares, strict=True)]

    def _write(
        self,
        requests: Sequence[GenerationRequest],
        clauses: Sequence[_Clause],
        before: Int[Tensor, "L S"] | None,
        clock: _Clock,
    ) -> list[Int[Tensor, "L S"]]:
        """Codes of one clause of each request: the best of its candidates."""
        with clock.stage("text"):
            texts = self.text_encoder.encode([clause.text for clause in clauses])
        steps = [
            self._step_requests(request, clause, before)
            for request, clause in zip(requests, clauses, strict=True)
        ]
        owners = torch.tensor([row for row, made in enumerate(steps) for _ in made])
        codes = self.engine.generate(
            texts.rows(owners),
            [step for made in steps for step in made],
            requests[0].sampling,
            clock.stage,
        )
        result = []
        for row in range(len(requests)):
            drawn = [rows for rows, owner in zip(codes, owners, strict=True) if owner == row]
            result.append(self._best(drawn, texts.rows([row]), clock))
        return result

    def _best(
        self, drawn: list[Int[Tensor, "L S"]], text: Condition, clock: _Clock
    ) -> Int[Tensor, "L S"]:
        """The candidate that the alignment model finds nearest to the text."""
        if len(drawn) == 1:
            return drawn[0]
        with clock.stage("ranking"):
            alignment, _ = self._shared_space()
            features = [self.tokenizer.decode_features(self._parts_of(rows)) for rows in drawn]
            motions = [motion_from_features(values)[0] for values in features]
            score = alignment.embed_motion(motions) @ alignment.embed_text(text)[0]
            return drawn[int(score.argmax())]

    def stream(
        self, *, text: str, seconds: float, seed: int = 0, sampling: SamplingConfig | None = None
    ) -> Iterator[Motion]:
        """Yield a motion piece by piece while it is made, in constant memory.

        Pieces follow each other without gaps; together they are what ``generate`` gives for the
        same request with ``foot_lock=False``.
        """
        request = GenerationRequest(
            text=text, seconds=seconds, seed=seed, sampling=sampling or self.sampling
        )
        decoder = StreamDecoder(self.tokenizer)
        recent: Int[Tensor, "L S"] | None = None
        for clause in self._clauses(request):
            steps = self._step_requests(request, clause, recent)
            condition = self.text_encoder.encode([clause.text])
            for step in self.engine.stream(condition, steps, request.sampling):
                recent = step if recent is None else torch.cat([recent, step])
                recent = recent[-CLAUSE_CONTEXT_STEPS:]
                piece = decoder.push(self._parts_of(step))
                if piece is not None:
                    yield self._dressed(piece, request)
        rest = decoder.finish(request.num_frames)
        if rest is not None and rest.num_frames:
            yield self._dressed(rest, request)

    def retrieve(self, text: str, top_k: int = 5) -> list[RetrievedMotion]:
        """Find the motions of the checkpoint's library that are nearest to a text.

        Args:
            text: What the person does.
            top_k: How many to give, best first.

        Raises:
            RequestError: The text is empty or too long, or ``top_k`` is not positive.
            WeightsError: The checkpoint has no alignment model or library.
        """
        GenerationRequest(text=text)
        if top_k < 1:
            raise RequestError(f"top_k must be at least 1, got {top_k}")
        alignment, library = self._shared_space()
        embedding = alignment.embed_text(self.text_encoder.encode([text]))[0]
        return library.retrieve(embedding, top_k)

    def _shared_space(self) -> tuple[AlignmentModel, MotionLibrary]:
        """Alignment model and library, loaded at the first use."""
        if self._space is None:
            folder = self.folder or DEFAULT_CHECKPOINT
            alignment = AlignmentModel.load(folder / ALIGNMENT_FOLDER)
            self._space = (alignment, MotionLibrary.load(folder / LIBRARY_FOLDER, alignment))
        return self._space

    def _step_requests(
        self, request: GenerationRequest, clause: _Clause, before: Int[Tensor, "L S"] | None
    ) -> list[StepRequest]:
        """One for each candidate."""
        context = None if before is None else before[-CLAUSE_CONTEXT_STEPS:]
        return [
            StepRequest(num_steps=clause.num_steps, seed=seed, before=context)
            for seed in request.candidate_seeds
        ]

    def _parts_of(self, rows: Int[Tensor, "L S"]) -> dict[str, Int[Tensor, "L K"]]:
        """Streams back to codes per part, levels in order."""
        columns: dict[str, list[Tensor]] = {}
        for index, stream in enumerate(self.language.model.vocabulary.streams):
            columns.setdefault(stream.part, []).append(rows[:, index])
        return {part: torch.stack(levels, dim=-1) for part, levels in columns.items()}

    def _finish(
        self, request: GenerationRequest, rows: Int[Tensor, "L S"], clock: _Clock
    ) -> Motion:
        with clock.stage("decode"):
            features = self.tokenizer.decode_features(self._parts_of(rows))
            count = request.num_frames or len(rows) * self.tokenizer.frames_per_code
            features = {name: values[:count] for name, values in features.items()}
            motion = motion_from_features(features)[0]
        if request.foot_lock:
            with clock.stage("foot_lock"):
                motion = foot_lock(motion, _contacts(features), GENERATED_FEET)
        return self._dressed(motion, request)

    def _dressed(self, motion: Motion, request: GenerationRequest) -> Motion:
        """Say where the motion comes from; hands that were not generated rest relaxed."""
        return replace(motion, source=f"generated: {request.text}", flat_hand_mean=False)

    def _warnings(self) -> tuple[str, ...]:
        missing = [name for name in PART_NAMES if name not in self.tokenizer.part_names]
        if not missing:
            return ()
        return (f"no trained weights for {', '.join(missing)}: these parts rest relaxed",)


def _contacts(features: Mapping[str, Float[Tensor, "T D"]]) -> Float[Tensor, "T 4"]:
    """How sure the tokenizer is that each foot joint is planted, 0 to 1."""
    lower = features["lower"]
    return lower[:, PARTS["lower"].slices["foot_contact"]].clamp(0, 1)
