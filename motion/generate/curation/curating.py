"""``curate``: films in; motions, and annotations in words, out.

A film is read once from its start in constant memory. Each clip is finished (pose, motion file,
texts) before the next one begins.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from motion.data.splitting import split_by_hash
from motion.errors import DataError, MotionError, RequestError
from motion.formats import write_npz
from motion.formats.film import FilmInfo, FilmPicture, film_info, read_pictures
from motion.generate.curation.annotation import (
    Action,
    LeftOut,
    PoseConfidence,
    VideoAnnotation,
    read_annotation,
    write_annotation,
)
from motion.generate.curation.body_motion import motion_of_track
from motion.generate.curation.clips import ClipConfig, ClipFinder, FoundClip, PoseFinder, Track
from motion.generate.curation.describing import AskConfig, Clip, Describer, describe, tell_scenes
from motion.generate.curation.state import CurationState, StateFile, fingerprint_of
from motion.representation import FPS

ALGORITHM = 1
"""Raise it when the same film and weights give other motions or texts."""

_DECIMALS = 3
"""Of times and shares in JSON."""

log = logging.getLogger(__name__)

Report = Callable[[str, float, float | None], None]
"""Called with the film's name, the seconds that are done and its length, if it is known."""


@dataclass(frozen=True, kw_only=True)
class CurationConfig:
    """How films are worked through."""

    clips: ClipConfig = field(default_factory=ClipConfig)
    """Where clips begin and end."""
    ask: AskConfig = field(default_factory=AskConfig)
    """How often the describer is asked."""


@dataclass(frozen=True, kw_only=True)
class CuratedVideo:
    """A film that is done."""

    video: Path
    annotation_file: Path
    annotation: VideoAnnotation
    kept_actions: int
    """Actions that an earlier run had finished."""


@dataclass(frozen=True, kw_only=True)
class FailedVideo:
    """A film that gave nothing."""

    video: Path
    reason: str


@dataclass(frozen=True, kw_only=True)
class CurationReport:
    """What came of all films, in their order."""

    done: tuple[CuratedVideo, ...]
    failed: tuple[FailedVideo, ...]


class Curator:
    """Works through films with one pose finder and one describer."""

    def __init__(
        self,
        finder: PoseFinder,
        describer: Describer,
        config: CurationConfig | None = None,
        *,
        report: Report | None = None,
    ) -> None:
        """Remember what it works with.

        Args:
            finder: Finds people.
            describer: Puts clips into words.
            config: How.
            report: Is told how far it has come.
        """
        self._finder, self._describer = finder, describer
        self._config, self._report = config or CurationConfig(), report

    def curate_all(
        self, videos: Sequence[Path], out: Path, *, by_split: bool = False
    ) -> CurationReport:
        """Work through several films; one that cannot be used does not stop the others.

        Args:
            videos: The films; their names without suffix must differ.
            out: Folder for everything that is written.
            by_split: Write into folders train, val and test below it.

        Raises:
            RequestError: No film is named, or two have one name.
        """
        check_names(videos)
        done, failed = [], []
        for video in videos:
            try:
                folder = out / split_by_hash(video.stem) if by_split else out
                done.append(self.curate(video, folder))
            except (MotionError, OSError) as error:
                log.info("%s: %s", video, error)
                failed.append(FailedVideo(video=video, reason=" ".join(str(error).split())))
        return CurationReport(done=tuple(done), failed=tuple(failed))

    def curate(self, video: Path, out: Path) -> CuratedVideo:
        """Work through one film, or what is left of it.

        Args:
            video: The film.
            out: Folder for ``NAME.json``, ``NAME_clip000.npz`` and so on.

        Raises:
            FormatError: It is no film that can be read, or a file of an earlier run is damaged.
            DataError: Nobody is seen in it for long enough.
            OutputError: A file cannot be written.
        """
        info = film_info(video)
        fingerprint = fingerprint_of(video, self._settings())
        target = out / f"{video.stem}.json"
        if target.exists():
            known = read_annotation(target)
            if known.fingerprint == fingerprint:
                return _curated(video, target, known, len(known.actions))
        file = StateFile(target.with_name(f"{video.stem}.progress.json"), fingerprint)
        state = file.load()
        kept = len(state.actions)
        clock = _Clock(self._report, video.stem, info)
        pictures = clock.watched(read_pictures(video, fps=FPS))
        for found in ClipFinder(self._finder, self._config.clips).clips(
            pictures, state.resume_seconds
        ):
            state = self._added(state, found, video, out)
            file.save(state)
        if not state.actions:
            file.delete()
            raise DataError(self._why_nothing(video, state, clock.seconds))
        annotation = self._annotation(video, info, state, clock.seconds, fingerprint)
        write_annotation(annotation, target)
        file.delete()
        return _curated(video, target, annotation, kept)

    def _settings(self) -> dict[str, object]:
        return {
            "algorithm": ALGORITHM,
            "pose": self._finder.fingerprint,
            "describer": self._describer.name,
            "prompt_version": self._describer.prompt_version,
            "config": asdict(self._config),
        }

    def _added(
        self, state: CurationState, found: FoundClip, video: Path, out: Path
    ) -> CurationState:
        """The state after a clip."""
        track = found.track
        start, end = (round(t, _DECIMALS) for t in (track.start_seconds, track.end_seconds))
        actions, left_out = state.actions, state.left_out
        reason = f"shorter than {self._config.clips.shortest_seconds:g} s"
        if found.long_enough:
            source = f"{video.name} from {start:g} s"
            motion = motion_of_track(track, source)
            clip = Clip(video=video, start_seconds=start, end_seconds=end, motion=motion)
            described = describe(self._describer, clip, self._config.ask)
            reason = f"no sound description: {described.problem}"
            if described.captions:
                name = f"{video.stem}_clip{len(actions):03d}.npz"
                write_npz(motion, out / name)
                action = Action(
                    start=start,
                    end=end,
                    motion=name,
                    captions=described.captions,
                    source=f"blazepose {self._finder.fingerprint}",
                    model=self._describer.name,
                    prompt_version=self._describer.prompt_version,
                    confidence=_confidence(track),
                )
                actions = (*actions, action)
        if actions is state.actions and end > start:
            left_out = (*left_out, LeftOut(start=start, end=end, reason=reason))
        return CurationState(
            actions=actions, left_out=left_out, resume_seconds=found.resume_seconds
        )

    def _annotation(
        self,
        video: Path,
        info: FilmInfo,
        state: CurationState,
        seconds: float,
        fingerprint: str,
    ) -> VideoAnnotation:
        steps = [action.captions[0].steps for action in state.actions]
        scenes = tell_scenes(self._describer, steps, self._config.ask)
        return VideoAnnotation(
            name=video.stem,
            fps=round(info.fps, _DECIMALS),
            duration=round(max(seconds, state.actions[-1].end), _DECIMALS),
            split=split_by_hash(video.stem),
            scenes=scenes,
            actions=state.actions,
            left_out=state.left_out,
            notes=() if scenes else ("no answer about the scene was sound",),
            fingerprint=fingerprint,
        )

    def _why_nothing(self, video: Path, state: CurationState, seconds: float) -> str:
        shortest = self._config.clips.shortest_seconds
        undescribed = [row for row in state.left_out if row.end - row.start >= shortest]
        if undescribed:
            return (
                f"{video}: none of {len(undescribed)} clips could be described "
                f"({undescribed[0].reason})"
            )
        seen = f"; somebody is seen {len(state.left_out)} times for less" if state.left_out else ""
        return (
            f"{video}: nobody is seen for {shortest:g} s or longer in its {seconds:.1f} s{seen}; "
            "people must be about upright, and large enough to tell arms and legs"
        )


class _Clock:
    """Counts how much of a film has been read, and tells it."""

    def __init__(self, report: Report | None, name: str, info: FilmInfo) -> None:
        self._report, self._name, self._info = report, name, info
        self._step = 1 / info.fps if info.fps else 1 / FPS
        self.seconds = 0.0

    def watched(self, pictures: Iterator[FilmPicture]) -> Iterator[FilmPicture]:
        """The same pictures."""
        for picture in pictures:
            self.seconds = picture.seconds + self._step
            yield picture
            if self._report is not None:
                self._report(self._name, self.seconds, self._info.seconds)


def check_names(videos: Sequence[Path]) -> None:
    """See that each film writes files of its own.

    Raises:
        RequestError: No film is named, or two have one name.
    """
    if not videos:
        raise RequestError("expected at least one video, got none")
    names: dict[str, Path] = {}
    for video in videos:
        if video.stem in names:
            raise RequestError(
                f"{names[video.stem]} and {video} would both write {video.stem}.json; rename one, "
                "or give them different --out folders"
            )
        names[video.stem] = video


def _confidence(track: Track) -> PoseConfidence:
    seen = len(track.seconds)
    return PoseConfidence(
        presence=round(float(track.presence.mean()), _DECIMALS),
        visibility=round(float(track.visibility.mean()), _DECIMALS),
        seen=round(seen / (seen + track.num_missed), _DECIMALS),
    )


def _curated(video: Path, target: Path, annotation: VideoAnnotation, kept: int) -> CuratedVideo:
    return CuratedVideo(
        video=video, annotation_file=target, annotation=annotation, kept_actions=kept
    )
