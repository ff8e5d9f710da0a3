"""``MotionGenerator``: text, music and speech in, motion out."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, Self, Unpack

import torch
from jaxtyping import Int
from torch import Tensor

from motion.alignment import CaptionMemory, RetrievedMotion
from motion.conditioners import Condition, TextEncoder
from motion.errors import RequestError, WeightsError
from motion.formats import SoundReader, Transcript, open_sound, read_transcript
from motion.generate.captioning import SharedSpace
from motion.generate.checkpoint import (
    CHECKPOINT_VARIABLE,
    DEFAULT_CHECKPOINT,
    LANGUAGE_FOLDER,
    TOKENIZER_FOLDER,
    LoadedLanguageModel,
    check_fit,
    checkpoint_sampling,
    load_language_model,
    read_checkpoint_config,
)
from motion.generate.finishing import DECODE_CHUNK, Finisher
from motion.generate.hearing import DRIVEN_BY, Hearing, SoundCurves
from motion.generate.keeping import motion_of_parts
from motion.generate.part_plan import PartPass, plan_passes
from motion.generate.requests import (
    LONGEST_SECONDS,
    GenerationRequest,
    GenerationResult,
    GenerationWish,
    SoundSource,
)
from motion.generate.skills import Skills
from motion.generate.writer import CLAUSE_CONTEXT_STEPS, Clock, CodeWriter, Rows
from motion.language import (
    DecodingEngine,
    EngineConfig,
    SamplingConfig,
)
from motion.representation import FPS, PART_NAMES, Motion
from motion.tasks.answering import Answerer
from motion.tokenizer import MotionTokenizer, StreamDecoder

BODY_PARTS = ("lower", "upper")
"""What captions tell of, and what ranks candidates."""


class MotionGenerator(Skills):
    """A tokenizer, a language model and encoders, ready to use."""

    def __init__(
        self,
        tokenizer: MotionTokenizer,
        language: LoadedLanguageModel,
        text_encoder: TextEncoder,
        *,
        engine: EngineConfig | None = None,
        sampling: SamplingConfig | None = None,
        sound_encoders: Mapping[str, Path | str | None] | None = None,
    ) -> None:
        self.tokenizer, self.language, self.text_encoder = tokenizer, language, text_encoder
        self.engine = DecodingEngine(language.model, engine)
        self.sampling = sampling or SamplingConfig()
        self.candidates = 1
        """Motions made for each call of ``generate`` unless it says otherwise."""
        self.folder: Path | None = None
        self.hearing = Hearing(text_encoder, tokenizer.frames_per_code, sound_encoders or {})
        self.writer = CodeWriter(self.engine, tokenizer, text_encoder, self.hearing, self._rank)
        self.finisher = Finisher(tokenizer, language.model.vocabulary.streams)
        self.answerer = Answerer(self.engine, language.text_pieces, text_encoder)
        """Answers questions in words."""
        self._space: SharedSpace | None = None
        self._memory: CaptionMemory | None = None

    @classmethod
    def from_pretrained(
        cls,
        checkpoint: Path | str | None = None,
        *,
        text_encoder: Path | str | None = None,
        sound_encoders: Mapping[str, Path | str | None] | None = None,
        engine: EngineConfig | None = None,
    ) -> Self:
        """Load a release folder.

        Args:
            checkpoint: Folder with ``config.yaml``; None takes the one that ``MOTION_CHECKPOINT``
                names, else the default weights of this repository.
            text_encoder: Folder or hub id of the text encoder; None takes the packaged one.
            sound_encoders: Folder or hub id of the encoder of ``music`` or ``speech``, if the model
                was trained with another than the packaged one.
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
        generator = cls(
            tokenizer,
            language,
            encoder,
            engine=engine,
            sampling=sampling,
            sound_encoders=sound_encoders,
        )
        generator.folder = folder
        generator.candidates = int(config.get("candidates", 1))
        return generator

    def generate(self, text: str | None = None, **wish: Unpack[GenerationWish]) -> GenerationResult:
        """Make one motion from a text, music, speech, or any mix of them.

        Args:
            text: What the person does.
            wish: See ``GenerationWish``. Legs by text and arms and face by speech, for example:
                ``parts={"text": ["lower"], "speech": ["upper", "face"]}``.

        Raises:
            RequestError: The request is not possible; the message says why.
            FormatError: A file cannot be read.
        """
        return self.generate_batch([self.request(text, **wish)])[0]

    def request(self, text: str | None = None, **wish: Unpack[GenerationWish]) -> GenerationRequest:
        """Check what ``generate`` is given and fill in the checkpoint's defaults."""
        given = {name: value for name, value in wish.items() if value is not None}
        defaults = {"sampling": self.sampling, "candidates": self.candidates}
        return make_request(text, **{**defaults, **given})  # type: ignore[arg-type]

    def generate_batch(self, requests: Sequence[GenerationRequest]) -> list[GenerationResult]:
        """Make several motions at once; each is what a single call would give."""
        results: dict[int, GenerationResult] = {}
        groups: dict[Any, list[int]] = {}
        given: list[dict[int, Int[Tensor, " _"]]] = []
        for index, request in enumerate(requests):
            passes = self._passes(request)
            given.append(self._given_codes(request, passes))
            groups.setdefault((request.sampling, passes, frozenset(given[-1])), []).append(index)
        for (_, passes, _), members in groups.items():
            kept = [given[i] for i in members]
            made = self._generate_group([requests[i] for i in members], passes, kept)
            results |= dict(zip(members, made, strict=True))
        return [results[index] for index in range(len(requests))]

    def transcribe(self, request: GenerationRequest) -> Transcript | None:
        """Let Whisper write down the words of a request's speech; None where nobody speaks.

        Raises:
            RequestError: There is no speech, or these weights were not trained on words.
        """
        self.language.model.signals.check_names(["transcript"])
        return _transcribed(request.speech, request.seconds)

    def _passes(self, request: GenerationRequest) -> tuple[PartPass, ...]:
        given = [name for name in DRIVEN_BY if getattr(request, name) is not None]
        self.language.model.signals.check_names(given)
        kept = () if request.keep is None else request.keep.parts
        trained = self.language.model.vocabulary.part_names
        return plan_passes(request.parts, request.signals, trained, tuple(kept))

    def _given_codes(
        self, request: GenerationRequest, passes: Sequence[PartPass]
    ) -> dict[int, Int[Tensor, " L"]]:
        """Codes of the parts that are kept, by stream."""
        if request.keep is None:
            return {}
        making = {part for drive in passes for part in drive.parts}
        codes = self.tokenizer.encode(request.keep, DECODE_CHUNK).parts
        streams = enumerate(self.language.model.vocabulary.streams)
        return {
            index: codes[stream.part][:, stream.level]
            for index, stream in streams
            if stream.part in codes and stream.part not in making
        }

    def _generate_group(
        self,
        requests: Sequence[GenerationRequest],
        passes: Sequence[PartPass],
        given: Sequence[dict[int, Int[Tensor, " _"]]],
    ) -> list[GenerationResult]:
        clock = Clock()
        curves = [SoundCurves() for _ in requests]
        drawn = self.writer.write(requests, passes, given, clock, curves)
        made = [part for drive in passes for part in drive.parts]
        return [
            GenerationResult(
                motion=self.finisher.finish(request, rows, made, into, clock),
                text=request.title,
                seed=request.seed,
                timings=clock.seconds,
                warnings=self._warnings(made, request),
                parts=tuple(name for name in PART_NAMES if name in made),
                sounds=tuple(request.sounds.values()),
            )
            for request, rows, into in zip(requests, drawn, curves, strict=True)
        ]

    def _rank(self, drawn: Sequence[Rows], text: Condition) -> int:
        """The candidate nearest to the text in the shared space.

        Sounds do not rank: the space knows which kind of motion goes with them, not which of
        several dances (``benchmarks/audio.json``).
        """
        alignment, _ = self.shared_space()
        motions = [motion_of_parts(self.finisher.features(rows))[0] for rows in drawn]
        body = alignment.embed_motion(motions, parts=BODY_PARTS)
        return int((body @ alignment.embed_text(text)[0]).argmax())

    def stream(self, text: str | None = None, **wish: Unpack[GenerationWish]) -> Iterator[Motion]:
        """Yield a motion piece by piece while it is made, in constant memory.

        Sounds are read as the motion goes on. Pieces follow each other without gaps; together
        they are what ``generate`` gives for the same request without clean-up (``foot_lock``,
        ``beat_lock``, ``voice_lock`` False) and with ``candidates=1``.

        Raises:
            RequestError: The length is not known, or parts have several drives or are kept.
        """
        wish = {**wish, "candidates": 1}
        request = self.request(text, **wish)
        passes = self._passes(request)
        if request.num_frames is None:
            raise RequestError("a streamed motion needs seconds or a sound, to know its length")
        if len(passes) > 1 or request.keep is not None:
            raise RequestError("a stream has one drive for all parts; use generate for others")
        yield from self._stream(request, passes[0])

    def _stream(self, request: GenerationRequest, drive: PartPass) -> Iterator[Motion]:
        decoder = StreamDecoder(self.tokenizer, motion_of_parts)
        reader, active = self.language.model.signals, self.writer.streams_of(drive.parts)
        feed = self.hearing.feed(request, reader, kept=CLAUSE_CONTEXT_STEPS + 1)
        recent: Rows | None = None
        done = 0
        for clause in self.writer.clauses(request, drive):
            condition = self.writer.condition_of([clause])
            steps = self.writer.step_requests(request, clause, recent, active, {})
            found = self.engine.stream(
                condition, steps, request.sampling, feed=feed, first_step=done
            )
            for step in found:
                recent = step if recent is None else torch.cat([recent, step])
                recent = recent[-CLAUSE_CONTEXT_STEPS:]
                piece = decoder.push(self.finisher.parts_of(step))
                done += 1
                if piece is not None:
                    yield self.finisher.dressed(piece, request)
        rest = decoder.finish(request.num_frames)
        if rest is not None and rest.num_frames:
            yield self.finisher.dressed(rest, request)

    def retrieve(
        self,
        text: str | None = None,
        top_k: int = 5,
        *,
        music: SoundSource | None = None,
        speech: SoundSource | None = None,
    ) -> list[RetrievedMotion]:
        """Find the motions of the checkpoint's library that are nearest to text and sounds.

        Args:
            text: What the person does.
            top_k: How many to give, best first.
            music: Music to dance to.
            speech: Speech to gesture to.

        Raises:
            RequestError: Nothing is given, it cannot be used, or ``top_k`` is not positive.
            FormatError: A sound cannot be read.
            WeightsError: The checkpoint has no alignment model or library.
        """
        request = make_request(text, music=music, speech=speech)
        if top_k < 1:
            raise RequestError(f"top_k must be at least 1, got {top_k}")
        alignment, library = self.shared_space()
        unknown = [name for name in request.signals if name not in alignment.projectors]
        if unknown:
            raise RequestError(
                f"these weights cannot search by {' and '.join(unknown)}; their shared space knows "
                f"{', '.join(alignment.projectors)}"
            )
        embedding = alignment.embed_together(self._conditions(request))[0]
        return library.retrieve(embedding, top_k)

    def _conditions(self, request: GenerationRequest) -> list[Condition]:
        """Text and sounds of a request, each in full length."""
        found = [] if request.text is None else [self.text_encoder.encode([request.text])]
        per_step = self.tokenizer.frames_per_code
        for name, sound in request.sounds.items():
            num_steps = ceil(sound.num_frames(FPS) / per_step)
            found.append(self.hearing.encoder(name).encode(sound, num_steps, per_step))
        return found

    def _warnings(self, made: Sequence[str], request: GenerationRequest) -> tuple[str, ...]:
        kept = frozenset() if request.keep is None else request.keep.parts
        resting = [name for name in PART_NAMES if name not in made and name not in kept]
        trained = self.language.model.vocabulary.part_names
        lacking = [name for name in resting if name not in trained]
        idle = [name for name in resting if name in trained]
        said = [f"no trained weights for {', '.join(lacking)}: these parts rest relaxed"]
        said += [f"nothing drives {', '.join(idle)}: these parts rest relaxed"]
        return tuple(text for text, names in zip(said, (lacking, idle), strict=True) if names)


def make_request(text: str | None = None, **wish: Unpack[GenerationWish]) -> GenerationRequest:
    """Turn what a user gives into a checked request: files are opened, numbers are numbers."""
    values: dict[str, Any] = {name: value for name, value in wish.items() if value is not None}
    names = ("guidance", "temperature", "top_k", "top_p", "semantic_temperature")
    changes = {n: values.pop(n) for n in names if n in values}
    changes = {n: v if n == "top_k" else float(v) for n, v in changes.items()}
    sampling = replace(values.pop("sampling", SamplingConfig()), **changes)
    for name in ("music", "speech"):
        if name in values:
            values[name] = open_sound(values[name], longest_seconds=int(LONGEST_SECONDS))
    for name in ("seconds", "jaw_gain"):
        if name in values:
            values[name] = float(values[name])
    transcript = values.get("transcript")
    if isinstance(transcript, Path | str):
        values["transcript"] = read_transcript(transcript)
    elif transcript is True:
        values["transcript"] = _transcribed(values.get("speech"), values.get("seconds"))
    return GenerationRequest(text=text, sampling=sampling, **values)


def _transcribed(speech: SoundReader | None, seconds: float | None) -> Transcript | None:
    """What Whisper hears in the part that is used; None when nobody speaks."""
    if speech is None:
        raise RequestError("there is no speech to transcribe; give its sound file")
    from motion.conditioners import transcribe

    if seconds is not None and seconds < speech.duration:
        speech = speech.excerpt(Fraction(0), Fraction(seconds).limit_denominator(1000))
    return transcribe(speech)
