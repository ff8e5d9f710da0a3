"""The closed loop: plan, decompose, generate, join, describe back, and again, at any length.

Segments leave as they are finished and only the last frames are kept, so memory does not grow.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from motion.errors import MotionError
from motion.formats import SoundReader
from motion.generate.compose_requests import ComposeRequest, seed_of
from motion.generate.overlays import OverlayMixer
from motion.generate.progress import Carried, Progress, ProgressFile, Segment, joined, no_motion
from motion.generate.requests import write_with_sounds
from motion.generate.step_lengths import LONGEST_STEP, SHORTEST_STEP, UNKNOWN_STEP
from motion.generate.stretches import (
    SHORTEST_STRETCH,
    Overlay,
    Stretch,
    base_of,
    steps_as_stretches,
)
from motion.generate.task_loop import PlannedTask, TaskLoop
from motion.representation import FPS, Motion, num_frames_of

TAIL_FRAMES = 96
"""Frames that are kept of what is done: as many as a transition looks back on, and some more."""
ARRIVAL = "walk in"
"""What has just been done where only a scene is known."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """The frames of one stretch, where they belong."""

    motion: Motion
    transition_frames: int
    """Frames at its beginning that turn what came before into it."""
    warnings: tuple[str, ...] = ()


@runtime_checkable
class StretchMaker(Protocol):
    """Makes the whole body's movement."""

    def make(self, stretch: Stretch, before: Motion | None, start: int, seed: int) -> Made:
        """Make one stretch.

        Args:
            stretch: What is asked for.
            before: The last frames so far; None: nothing was before.
            start: Its first frame.
            seed: Of what is drawn.
        """

    def overlay(self, overlay: Overlay, under: Motion, seed: int) -> Motion:
        """Make the parts of an overlay anew on the frames under it."""


Describer = Callable[[Motion, int], str]
"""Says what a motion shows, given a seed."""


@dataclass(frozen=True, kw_only=True)
class ComposedSegment:
    """A finished segment and the frames that are certain with it.

    The frames of all of them, one after the other, are the whole composition; where a prompt by
    body part is still to be laid over a segment, its frames come with a later one.
    """

    segment: Segment
    motion: Motion


@dataclass(frozen=True, kw_only=True)
class PlacedSound:
    """A sound of a composition, and when it is heard."""

    sound: SoundReader
    start_seconds: float
    end_seconds: float

    def over(self, seconds: Fraction) -> SoundReader:
        """As it is heard in a composition of some length, with silence around."""
        heard = Fraction(self.end_seconds - self.start_seconds).limit_denominator(1000)
        start = Fraction(self.start_seconds).limit_denominator(1000)
        return self.sound.excerpt(Fraction(0), heard).excerpt(-start, seconds)


@dataclass(frozen=True, kw_only=True)
class Composition:
    """A composed motion and how it came about."""

    motion: Motion
    segments: tuple[Segment, ...]
    tasks: tuple[PlannedTask, ...]
    """Planned tasks in order; none for steps by hand and timelines."""
    title: str
    seed: int
    warnings: tuple[str, ...] = ()
    sounds: tuple[PlacedSound, ...] = ()
    """Of the timeline; films and pages carry them."""

    def save(self, path: Path | str, **options: Any) -> Path:
        """Write the motion as .npz, .bvh, .glb, .html, .mp4 or .png, by suffix.

        Args:
            path: Target; folders are made.
            options: For the writer: ``body``, ``width``, ``height``, ``audio``.

        Raises:
            RequestError: The suffix is not known.
            OutputError: The file cannot be written there.
        """
        seconds = Fraction(self.motion.num_frames, FPS)
        sounds = [placed.over(seconds) for placed in self.sounds]
        return write_with_sounds(self.motion, Path(path), self.title, sounds, options)


class Composer:
    """Runs one composition."""

    def __init__(
        self,
        request: ComposeRequest,
        loop: TaskLoop,
        maker: StretchMaker,
        *,
        overlays: Sequence[Overlay] = (),
        describer: Describer | None = None,
        store: ProgressFile | None = None,
    ) -> None:
        """Say what is composed, and with what.

        Args:
            request: What is asked for.
            loop: Plans, where nobody gave steps.
            maker: Makes motion.
            overlays: Of the timeline.
            describer: Says what segments show; None: nobody does.
            store: Keeps what is done; None: nothing is kept.
        """
        self.request, self.loop, self.maker = request, loop, maker
        self.describer, self.store = describer, store
        self.progress = Progress()
        self.mixer = OverlayMixer(overlays, self._overlay)
        self.tail: Motion | None = None

    def stream(self) -> Iterator[ComposedSegment]:
        """Yield segments as they are finished; those of an interrupted run come first."""
        yield from self._resumed()
        while not self.progress.finished:
            self._fill_queue()
            yield self._next()

    def compose(self, told: Callable[[Segment], None] | None = None) -> Composition:
        """Run to the end and give the whole.

        Args:
            told: Called with each segment as it is finished.
        """
        pieces = []
        for part in self.stream():
            pieces.append(part.motion)
            if told is not None:
                told(part.segment)
        motion = joined(pieces)
        timeline, request = self.request.timeline, self.request
        sounds = () if timeline is None else timeline.sounds
        texts = dict.fromkeys(segment.text for segment in self.progress.segments if segment.text)
        title = request.task or request.scene or ", then ".join(texts)
        return Composition(
            motion=replace(motion, source=f"composed: {title}"),
            segments=self.progress.segments,
            tasks=self.progress.tasks,
            title=title,
            seed=request.seed,
            warnings=self.progress.warnings,
            sounds=tuple(
                PlacedSound(sound=s.sound, start_seconds=s.start, end_seconds=s.end) for s in sounds
            ),
        )

    def _resumed(self) -> Iterator[ComposedSegment]:
        found = None if self.store is None else self.store.load()
        if found is None or self.store is None:
            return
        self.progress, carried = found
        if carried is not None:
            self.tail = carried.tail
            self.mixer.resume(self.progress.laid, self.progress.emitted_frames, carried.waiting)
        for segment, piece in zip(self.progress.segments, self.store.pieces(), strict=True):
            yield ComposedSegment(segment=segment, motion=piece)

    def _fill_queue(self) -> None:
        """See that there is something to do: stretches that are given, or a task's steps."""
        progress, request = self.progress, self.request
        if not progress.started:
            queue: list[Stretch] = []
            if request.timeline is not None:
                queue = base_of(request.timeline)
            elif request.steps:
                queue = steps_as_stretches(request.steps, request.num_frames)
            self.progress = progress = replace(progress, queue=tuple(queue), started=True)
        if not progress.queue:
            task = self._next_task()
            steps = steps_as_stretches(task.steps, task=task.task)
            progress = replace(progress, warnings=(*progress.warnings, *_stand_ins(task)))
            self.progress = replace(progress, tasks=(*progress.tasks, task), queue=tuple(steps))

    def _next_task(self) -> PlannedTask:
        done, request = self.progress.tasks, self.request
        seed = seed_of(request.seed, "task", len(done))
        if request.task is not None and not done:
            return self.loop.first(request.scene, request.task, seed)
        names = [task.task for task in done] or [ARRIVAL]
        return self.loop.next(request.scene, names, seed)

    def _next(self) -> ComposedSegment:
        """Make the next stretch of the queue, and keep what came of it."""
        progress, start = self.progress, self.progress.done_frames
        stretch, *rest = progress.queue
        stretch = self._fitted(stretch, start)
        number = len(progress.segments)
        seed = seed_of(self.request.seed, "segment", number)
        made = self.maker.make(stretch, self.tail, start, seed)
        assert made.motion.num_frames
        segment = Segment(
            index=number,
            kind=stretch.kind,
            text=stretch.text or "",
            task=stretch.task,
            start_frame=start,
            num_frames=made.motion.num_frames,
            transition_frames=made.transition_frames,
            goes_on=stretch.goes_on,
            seed=seed,
            caption=self._caption(made, seed),
        )
        piece = self.mixer.push(made.motion)
        tail = made.motion if self.tail is None else joined([self.tail, made.motion])
        self.tail = tail.frames(max(tail.num_frames - TAIL_FRAMES, 0), tail.num_frames)
        self.progress = replace(
            progress,
            segments=(*progress.segments, segment),
            queue=tuple(rest),
            laid=tuple(sorted(self.mixer.laid)),
            emitted_frames=self.mixer.emitted,
            warnings=tuple(dict.fromkeys((*progress.warnings, *made.warnings))),
            finished=self._is_last(segment, rest),
        )
        if self.store is not None:
            waiting = self.mixer.waiting or no_motion()
            self.store.commit(self.progress, piece, Carried(tail=self.tail, waiting=waiting))
        return ComposedSegment(segment=segment, motion=piece)

    def _is_last(self, segment: Segment, rest: Sequence[Stretch]) -> bool:
        total = self.request.num_frames
        if not self.request.plans or total is None:
            return not rest
        return segment.stop_frame >= total

    def _fitted(self, stretch: Stretch, start: int) -> Stretch:
        """Let a planned step end where the whole does; nothing too short is left behind it."""
        total = self.request.num_frames
        if not self.request.plans or total is None:
            return stretch
        left, shortest = total - start, num_frames_of(SHORTEST_STEP)
        wanted = stretch.num_frames
        if wanted is None:
            if left >= num_frames_of(LONGEST_STEP) + shortest:
                return stretch
            wanted = num_frames_of(UNKNOWN_STEP)
        return replace(stretch, num_frames=left if left - wanted < shortest else wanted)

    def _caption(self, made: Made, seed: int) -> str | None:
        own = made.motion.frames(made.transition_frames, made.motion.num_frames)
        if self.describer is None or own.num_frames < SHORTEST_STRETCH:
            return None
        try:
            return self.describer(own, seed)
        except MotionError:  # whoever cannot be described is still composed
            return None

    def _overlay(self, overlay: Overlay, under: Motion) -> Motion:
        number = self.mixer.overlays.index(overlay)
        return self.maker.overlay(overlay, under, seed_of(self.request.seed, "overlay", number))


def _stand_ins(task: PlannedTask) -> list[str]:
    """What to say of a task that no planner found, or found no steps for."""
    said = {
        "task": f"the planner found no new task; '{task.task}' stands in",
        "steps": f"the planner found no steps of '{task.task}'; the task itself stands in",
    }
    return [said[name] for name in task.fallback]
