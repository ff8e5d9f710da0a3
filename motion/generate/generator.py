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
import yaml
from jaxtyping import Float, Int
from torch import Tensor

from motion.alignment import AlignmentModel, MotionLibrary, RetrievedMotion
from motion.conditioners import Condition, TextEncoder
from motion.errors import RequestError, WeightsError, reason_of
from motion.generate.checkpoint import (
    ALIGNMENT_FOLDER,
    CONFIG_FILE,
    LANGUAGE_FOLDER,
    LIBRARY_FOLDER,
    TOKENIZER_FOLDER,
    LoadedLanguageModel,
    load_language_model,
)
from motion.generate.cleanup import FootLockConfig, foot_lock
from motion.generate.foot_contacts import ContactConfig
from motion.generate.requests import GenerationRequest, GenerationResult
from motion.language import DecodingEngine, EngineConfig, SamplingConfig, StepRequest
from motion.representation import FPS, PART_NAMES, PARTS, Motion, motion_from_features
from motion.tokenizer import MotionTokenizer, StreamDecoder

CHECKPOINT_VARIABLE = "MOTION_CHECKPOINT"
DEFAULT_CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "default"

GENERATED_FEET = FootLockConfig(contacts=ContactConfig(max_slide_speed=1.6))
"""A generated foot that is labelled planted is never meant to slide; captured ones may be."""


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
        config = _read_config(folder)
        tokenizer = MotionTokenizer.load(folder / TOKENIZER_FOLDER)
        language = load_language_model(folder / LANGUAGE_FOLDER)
        _check_fit(tokenizer, language, folder)
        encoder = TextEncoder.load(text_encoder)
        expected = language.model.config.condition_dim
        if encoder.dim != expected:
            raise WeightsError(
                f"{folder}: the language model reads a text encoder {expected} wide, the one in "
                f"{encoder.folder} is {encoder.dim} wide; take the one it was trained with"
            )
        sampling = _sampling(config, folder)
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
        for sampling, members in groups.items():
            made = self._generate_group([requests[i] for i in members], sampling)
            results |= dict(zip(members, made, strict=True))
        return [results[index] for index in range(len(requests))]

    def _generate_group(
        self, requests: Sequence[GenerationRequest], sampling: SamplingConfig
    ) -> list[GenerationResult]:
        clock = _Clock()
        with clock.stage("text"):
            texts = self._encode_texts([request.text for request in requests])
        steps = [self._step_requests(request) for request in requests]
        owners = torch.tensor([row for row, made in enumerate(steps) for _ in made])
        codes = self.engine.generate(
            texts.rows(owners), [step for made in steps for step in made], sampling, clock.stage
        )
        results = []
        for row, request in enumerate(requests):
            drawn = [rows for rows, owner in zip(codes, owners, strict=True) if owner == row]
            motion = self._finish(request, self._best(drawn, texts.rows([row]), clock), clock)
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
        condition = self._encode_texts([text])
        decoder = StreamDecoder(self.tokenizer)
        steps = self.engine.stream(condition, self._step_requests(request), request.sampling)
        for step in steps:
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
        embedding = alignment.embed_text(self._encode_texts([text]))[0]
        return library.retrieve(embedding, top_k)

    def _shared_space(self) -> tuple[AlignmentModel, MotionLibrary]:
        """Alignment model and library, loaded at the first use."""
        if self._space is None:
            folder = self.folder or DEFAULT_CHECKPOINT
            alignment = AlignmentModel.load(folder / ALIGNMENT_FOLDER)
            self._space = (alignment, MotionLibrary.load(folder / LIBRARY_FOLDER, alignment))
        return self._space

    def _encode_texts(self, texts: Sequence[str]) -> Condition:
        return self.text_encoder.encode(texts)

    def _step_requests(self, request: GenerationRequest) -> list[StepRequest]:
        """One for each candidate."""
        frames = request.num_frames
        steps = None if frames is None else ceil(frames / self.tokenizer.frames_per_code)
        return [StepRequest(num_steps=steps, seed=seed) for seed in request.candidate_seeds]

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


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise WeightsError(
            f"expected a checkpoint with {CONFIG_FILE} in {folder}, found none; give the folder of "
            f"a trained model or set {CHECKPOINT_VARIABLE}"
        )
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise WeightsError(f"cannot read {path}: {reason_of(error)}") from error
    if not isinstance(config, dict) or config.get("fps") != FPS:
        raise WeightsError(f"{path} does not describe a checkpoint for {FPS} frames per second")
    return config


def _sampling(config: dict[str, Any], folder: Path) -> SamplingConfig:
    """The checkpoint's own way of choosing codes."""
    try:
        return SamplingConfig(**config.get("sampling", {}))
    except (TypeError, RequestError) as error:
        reason = reason_of(error)
        raise WeightsError(f"{folder / CONFIG_FILE}: 'sampling' is not usable: {reason}") from error


def _check_fit(tokenizer: MotionTokenizer, language: LoadedLanguageModel, folder: Path) -> None:
    """The language model must have been trained on this tokenizer's codebooks."""
    for stream in language.model.vocabulary.streams:
        if stream.part not in tokenizer.part_names:
            raise WeightsError(f"{folder}: the language model writes '{stream.part}', no tokenizer")
        book = tokenizer.code_vectors(stream.part)
        known = language.model.codebook(stream)
        fits = stream.level < len(book) and book[stream.level].shape == known.shape
        if not fits or not torch.allclose(book[stream.level], known, atol=1e-2, rtol=2e-3):
            raise WeightsError(
                f"{folder}: the language model was trained on other codebooks of '{stream.part}'; "
                "take both from one training"
            )
