"""What a generator does with given motions and texts: the methods of ``MotionGenerator`` by task.

The work itself is done in modules of its own, one a skill; here stand thin methods only.
Axes: S streams.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any, Unpack, cast

import torch
from jaxtyping import Int
from torch import Tensor

from motion.alignment import AlignmentModel, CaptionMemory, MotionLibrary
from motion.conditioners import TextEncoder
from motion.generate.caption_records import CaptionConfig, MotionCaption
from motion.generate.captioning import Captioner, SharedSpace
from motion.generate.checkpoint import (
    ALIGNMENT_FOLDER,
    DEFAULT_CHECKPOINT,
    LANGUAGE_FOLDER,
    LIBRARY_FOLDER,
    MEMORY_FOLDER,
    LoadedLanguageModel,
)
from motion.generate.compose_requests import ComposeWish
from motion.generate.composing import ComposingSkills, build_composer, weights_name
from motion.generate.composition import ComposedSegment, Composer, Composition
from motion.generate.extension import extend
from motion.generate.finishing import DECODE_CHUNK, Finisher
from motion.generate.gap_filling import GapFiller
from motion.generate.gap_results import GapResult, GapWish, fill_wish
from motion.generate.inbetweening import KeyFrames, inbetween
from motion.generate.onward import Onward
from motion.generate.plan_requests import Plan, PlanRequest, PlanWish
from motion.generate.planning import Planner, PlannerConfig
from motion.generate.stretch_maker import ModelJoiner, MotionSource, interpolate
from motion.generate.writer import CodeWriter
from motion.language import ABSENT, DecodingEngine, SamplingConfig
from motion.representation import Motion
from motion.tasks.answering import Answerer
from motion.tasks.thinking_need import load_need
from motion.tokenizer import MotionTokenizer


class Skills:
    """Methods of a generator beside ``generate``; the generator brings the attributes."""

    tokenizer: MotionTokenizer
    language: LoadedLanguageModel
    text_encoder: TextEncoder
    engine: DecodingEngine
    sampling: SamplingConfig
    candidates: int
    writer: CodeWriter
    finisher: Finisher
    answerer: Answerer
    folder: Path | None
    _space: SharedSpace | None
    _memory: CaptionMemory | None

    def codes_of(self, motion: Motion) -> Int[Tensor, "L S"]:
        """Codes of all streams of a motion at 30 fps; ``ABSENT`` where it lacks the part."""
        codes = self.tokenizer.encode(motion, DECODE_CHUNK).parts
        count = ceil(motion.num_frames / self.tokenizer.frames_per_code)
        absent = torch.full((count,), ABSENT)
        columns = [
            codes[s.part][:, s.level] if s.part in codes else absent
            for s in self.language.model.vocabulary.streams
        ]
        return torch.stack(columns, dim=-1)

    def shared_space(self) -> SharedSpace:
        """Alignment model and library, loaded at the first use.

        Raises:
            WeightsError: The checkpoint has no alignment model, or of another library.
            DataError: It has no library.
        """
        if self._space is None:
            folder = self.folder or DEFAULT_CHECKPOINT
            alignment = AlignmentModel.load(folder / ALIGNMENT_FOLDER)
            self._space = (alignment, MotionLibrary.load(folder / LIBRARY_FOLDER, alignment))
        return self._space

    def caption_memory(self) -> CaptionMemory | None:
        """What was said of known motions, loaded at the first use; None: the checkpoint has none.

        Raises:
            WeightsError: It is of another alignment model.
            DataError: It is damaged.
        """
        folder = (self.folder or DEFAULT_CHECKPOINT) / MEMORY_FOLDER
        if self._memory is None and folder.is_dir():
            self._memory = CaptionMemory.load(folder, self.shared_space()[0])
        return self._memory

    def caption(
        self,
        motion: Motion,
        *,
        seed: int = 0,
        candidates: int | None = None,
        segment_seconds: float | None = None,
        neighbours: int | None = None,
        config: CaptionConfig | None = None,
    ) -> MotionCaption:
        """Say what a motion of any length and rate shows.

        Args:
            motion: With legs (lower) or torso and arms (upper).
            seed: Same motion and seed, same words.
            candidates: Texts that the model writes for each segment, 1 to 16; 1: the likeliest.
            segment_seconds: Longest stretch that one sentence tells of, 1 to 60.
            neighbours: Known motions whose captions are taken into account, 0 to 256; 0: the
                language model alone.
            config: How else captions are written and chosen.

        Raises:
            RequestError: The motion cannot be described, or a number is out of its range.
        """
        wish = {
            "candidates": candidates,
            "segment_seconds": segment_seconds,
            "neighbours": neighbours,
        }
        given: dict[str, Any] = {name: value for name, value in wish.items() if value is not None}
        has_space = ((self.folder or DEFAULT_CHECKPOINT) / ALIGNMENT_FOLDER).is_dir()
        space = self.shared_space() if has_space else None
        memory = self.caption_memory() if space is not None else None
        captioner = Captioner(self.answerer, self.codes_of, self.text_encoder, space, memory)
        return captioner.caption(motion, replace(config or CaptionConfig(), **given), seed=seed)

    @property
    def gap_filler(self) -> GapFiller:
        """What writes motion between and behind given motions."""
        return GapFiller(
            self.engine, self.text_encoder, self.finisher, self.codes_of, self.writer.ranking
        )

    def extend(
        self,
        motion: Motion,
        seconds: float,
        text: str | None = None,
        seed: int = 0,
        **wish: Unpack[GapWish],
    ) -> GapResult:
        """Let a motion go on from where it ends.

        Args:
            motion: At 30 fps; its last 2.4 s are seen, 0.6 s with a text.
            seconds: What is made, up to 600.
            text: What the person does next, several actions in order if need be; None: what the
                motion leads to.
            seed: Same motion and seed, same result.
            wish: See ``GapWish``.

        Returns:
            The motion, number for number, and what was made behind it.

        Raises:
            RequestError: The request is not possible; the message says why.
        """
        if text is not None and wish.get("candidates") is None:  # to be ranked by the text
            wish["candidates"] = self.candidates
        return extend(self.gap_filler, motion, seconds, fill_wish(text, seed, self.sampling, wish))

    def inbetween(
        self,
        start: Motion,
        end: Motion,
        seconds: float,
        text: str | None = None,
        seed: int = 0,
        *,
        keyframes: KeyFrames = (),
        align: bool = False,
        **wish: Unpack[GapWish],
    ) -> GapResult:
        """Fill the gap between two motions of any lengths.

        Args:
            start: At 30 fps; its last 2.4 s are seen.
            end: At 30 fps, where it stands; its first 1.6 s are seen.
            seconds: Length of the gap.
            text: What happens in the gap; None: whatever leads on.
            seed: Same motions and seed, same result.
            keyframes: Motions of at least one frame to go through, each with the seconds from the
                start's last frame to its first one, where they stand.
            align: Turn and move the end over the floor to where the motion arrives.
            wish: See ``GapWish``. ``keep`` holds the frames of the gap whose legs, say, stay:
                ``keep=motion, parts=["upper"]``.

        Returns:
            Start, made frames and end; given frames number for number (of an end that is moved:
            its poses).

        Raises:
            RequestError: The request is not possible; the message says why.
        """
        how = fill_wish(text, seed, self.sampling, wish)
        return inbetween(
            self.gap_filler, start, end, seconds, how, keyframes=keyframes, align=align
        )

    def join(
        self,
        first: Motion,
        second: Motion,
        seconds: float,
        text: str | None = None,
        seed: int = 0,
        **wish: Unpack[GapWish],
    ) -> GapResult:
        """Put one motion behind another: ``inbetween`` with the second moved to where it fits."""
        return self.inbetween(first, second, seconds, text, seed, align=True, **wish)

    def plan(
        self,
        scene: str | None = None,
        task: str | None = None,
        steps: str | Sequence[str] | None = None,
        **wish: Unpack[PlanWish],
    ) -> Plan:
        """Say in words what to do: the steps of a task, what comes next, what steps are about.

        Args:
            scene: Where it happens.
            task: What is to be done, or what is being done.
            steps: Steps, ``1. ... 2. ...`` or one by one.
            wish: See ``PlanWish``.

        Raises:
            RequestError: The request is not possible; the message says why.
            PlanError: The given steps are no plan.
        """
        return self.planner().plan(PlanRequest(scene=scene, task=task, steps=steps, **wish))

    def planner(self, config: PlannerConfig | None = None) -> Planner:
        """What ``plan`` asks, for many requests at once or other ways to an answer.

        Raises:
            WeightsError: What the checkpoint knows about its thoughts is not usable.
        """
        need = None if self.folder is None else load_need(self.folder / LANGUAGE_FOLDER)
        return Planner(self.answerer, need, config)

    def compose(self, **wish: Unpack[ComposeWish]) -> Composition:
        """Make a long motion: plan, take apart, generate, join, describe, and on.

        Args:
            wish: See ``ComposeWish``: a task or a scene, steps by hand, or a timeline.

        Raises:
            RequestError: The request is not possible; the message says why.
            FormatError: A timeline's sound or the state cannot be read.
        """
        return self.composer(**wish).compose()

    def compose_stream(self, **wish: Unpack[ComposeWish]) -> Iterator[ComposedSegment]:
        """Yield the segments of a composition as they are finished, in constant memory.

        Raises:
            RequestError: The request is not possible; the message says why.
            FormatError: A timeline's sound or the state cannot be read.
        """
        return self.composer(**wish).stream()

    def composer(self, **wish: Unpack[ComposeWish]) -> Composer:
        """What ``compose`` runs, for those who want to be told of segments on the way.

        Raises:
            RequestError: The request is not possible; the message says why.
            FormatError: A timeline's sound cannot be read.
        """
        model = self.language.model
        skills = ComposingSkills(
            source=cast(MotionSource, self),  # these methods are part of one
            onward=Onward(self.writer, self.finisher, self.codes_of).make,
            join=ModelJoiner(self.gap_filler, self.sampling) if model.knows_gaps else interpolate,
            describe=lambda motion, seed: self.caption(motion, seed=seed).text,
            plan=self.plan,
            trained=model.vocabulary.part_names,
            weights=lambda: weights_name(model),
        )
        return build_composer(skills, wish)
