"""From the pictures of a film to clips in which one person is followed.

A clip ends where the film cuts, where the person is out of sight, where somebody else is taken for
the person, and when it is long enough. After each clip everything starts afresh, so a run that was
stopped goes on after the last clip exactly as it would have.

Axis letters: ``N`` pictures of a clip, ``H``/``W`` picture rows and columns.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from motion.conditioners.blazepose import PoseLandmarks
from motion.conditioners.pose_regions import Detection, Picture, Region
from motion.errors import ConfigError
from motion.formats.film import FilmPicture
from motion.generate.curation.shots import ShotConfig, ShotCuts
from motion.representation import FPS

_TIME_TOLERANCE = 1e-6
"""Seconds; times are sums of fractions."""


@runtime_checkable
class PoseFinder(Protocol):
    """Finds people and their landmarks; ``motion.conditioners.blazepose.BlazePose`` is one."""

    fingerprint: str

    def detect(self, picture: Picture) -> list[Detection]:
        """Find people, best first."""

    def landmarks(self, picture: Picture, region: Region) -> PoseLandmarks | None:
        """Find the landmarks of the person in a region; None if there is nobody."""


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Where clips begin and end."""

    shortest_seconds: float = 1.0
    """Shorter clips are left out."""
    longest_seconds: float = 10.0
    """Longer ones are cut (AvatarGPT, arXiv 2311.16468: segments of ten seconds)."""
    gap_seconds: float = 0.25
    """A person out of sight for longer ends a clip; for shorter, the pose is interpolated."""
    jump: float = 0.2
    """Somebody whose place changes by this share of the person's square, and more the longer it
    takes, is somebody else."""
    speed: float = 4.0
    """How much more: shares of the square a second; a person who runs, or a fast pan."""
    growth: float = 1.6
    """So many times larger or smaller is somebody else, too."""
    shots: ShotConfig = field(default_factory=ShotConfig)
    """What a cut is."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0.5 <= self.shortest_seconds <= self.longest_seconds <= 60:
            raise ConfigError(
                "clips need 0.5 <= shortest_seconds <= longest_seconds <= 60, got "
                f"{self.shortest_seconds} and {self.longest_seconds}"
            )
        if not 0 <= self.gap_seconds <= 1:
            raise ConfigError(f"gap_seconds must be 0 to 1, got {self.gap_seconds}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """Landmarks of one person over the pictures of a clip."""

    seconds: Float[Tensor, " N"]
    """Time of each picture in the film."""
    pixels: Float[Tensor, "N 33 3"]
    """See ``PoseLandmarks``; the origin is the picture's middle."""
    world: Float[Tensor, "N 33 3"]
    visibility: Float[Tensor, "N 33"]
    presence: Float[Tensor, " N"]
    num_missed: int
    """Pictures in between in which nobody was found."""
    next_seconds: float = math.inf
    """Time of a picture that does not belong to the clip any more."""

    @property
    def start_seconds(self) -> float:
        """Time of the first frame."""
        return float(self.seconds[0])

    @property
    def num_frames(self) -> int:
        """Frames at 30 fps, until the last picture is over."""
        step = float(torch.diff(self.seconds).median()) if len(self.seconds) > 1 else 1 / FPS
        over = min(float(self.seconds[-1]) + step, self.next_seconds)
        return math.floor((over - self.start_seconds) * FPS + _TIME_TOLERANCE)

    @property
    def end_seconds(self) -> float:
        """Time after the last frame."""
        return self.start_seconds + self.num_frames / FPS


@dataclass(frozen=True, kw_only=True)
class FoundClip:
    """A clip that has ended."""

    track: Track
    long_enough: bool
    resume_seconds: float
    """All pictures before this time are done with."""


class PersonTracker:
    """Follows one person from picture to picture."""

    def __init__(self, finder: PoseFinder) -> None:
        self._finder = finder
        self._region: Region | None = None

    def find(self, picture: Picture) -> PoseLandmarks | None:
        """Landmarks of the person that was followed, or else of the largest one in the picture."""
        if self._region is not None:
            found = self._finder.landmarks(picture, self._region)
            if found is not None:
                return self._keep(found, picture)
        for region in self._choices(self._finder.detect(picture)):
            found = self._finder.landmarks(picture, region)
            if found is not None:
                return self._keep(found, picture)
        return None

    def forget(self) -> None:
        """Look for a person anew."""
        self._region = None

    def _choices(self, people: list[Detection]) -> list[Region]:
        """Regions to look at, best first: the nearest to the last one, else the largest."""
        regions, last = [person.region for person in people], self._region
        if last is None:
            return sorted(regions, key=lambda region: -region.size)
        return sorted(regions, key=lambda region: math.dist((region.x, region.y), (last.x, last.y)))

    def _keep(self, found: PoseLandmarks, picture: Picture) -> PoseLandmarks:
        usable = found.next_region.overlaps(*picture.shape[:2])
        self._region = found.next_region if usable else None
        return found


@dataclass
class _Sightings:
    """What has been seen in the clip that has not ended yet."""

    seconds: list[float] = field(default_factory=list)
    found: list[PoseLandmarks] = field(default_factory=list)
    missed: int = 0
    missed_before_last: int = 0
    middle: tuple[float, float] = (0.0, 0.0)

    def add(self, picture: FilmPicture, found: PoseLandmarks) -> None:
        """A picture with the person."""
        height, width = picture.pixels.shape[:2]
        self.middle = (width / 2, height / 2)
        self.seconds.append(picture.seconds)
        self.found.append(found)
        self.missed_before_last = self.missed

    def track(self, next_seconds: float) -> Track:
        """All of it."""
        pixels = torch.stack([found.pixels for found in self.found])
        return Track(
            seconds=torch.tensor(self.seconds, dtype=torch.float64),
            pixels=pixels - pixels.new_tensor([*self.middle, 0.0]),
            world=torch.stack([found.world for found in self.found]),
            visibility=torch.stack([found.visibility for found in self.found]),
            presence=torch.tensor([found.presence for found in self.found]),
            num_missed=self.missed_before_last,
            next_seconds=next_seconds,
        )


class ClipFinder:
    """Finds the clips of one film."""

    def __init__(self, finder: PoseFinder, config: ClipConfig | None = None) -> None:
        self._config = config or ClipConfig()
        self._tracker = PersonTracker(finder)
        self._shots = ShotCuts(self._config.shots)
        self._seen = _Sightings()

    def clips(
        self, pictures: Iterable[FilmPicture], resume_seconds: float = 0.0
    ) -> Iterator[FoundClip]:
        """Give each clip when it has ended, the short ones, too.

        Args:
            pictures: All pictures of the film in their order.
            resume_seconds: Where an earlier run stopped (``FoundClip.resume_seconds``).
        """
        last = 0.0
        for picture in pictures:
            last = picture.seconds
            cut = self._shots.is_cut(picture.pixels)
            if picture.seconds < resume_seconds - _TIME_TOLERANCE:
                continue
            if cut or self._is_over(picture.seconds):
                yield from self._close(picture.seconds, picture.seconds)
            found = self._tracker.find(picture.pixels)
            if found is not None and self._is_another(picture.seconds, found):
                yield from self._close(picture.seconds, picture.seconds)
                found = self._tracker.find(picture.pixels)
            if found is not None:
                self._seen.add(picture, found)
            elif self._seen.found:
                self._seen.missed += 1
        yield from self._close(last + 1 / FPS, math.inf)

    def _close(self, resume_seconds: float, next_seconds: float) -> Iterator[FoundClip]:
        seen, self._seen = self._seen, _Sightings()
        self._tracker.forget()
        if seen.found:
            track = seen.track(next_seconds)
            shortest = round(self._config.shortest_seconds * FPS)
            enough = track.num_frames >= shortest
            yield FoundClip(track=track, long_enough=enough, resume_seconds=resume_seconds)

    def _is_over(self, seconds: float) -> bool:
        """Whether the clip is long enough, or nobody has been seen for too long."""
        if not self._seen.found:
            return False
        first, last = self._seen.seconds[0], self._seen.seconds[-1]
        unseen = seconds - last > self._config.gap_seconds + _TIME_TOLERANCE
        return unseen or seconds - first > self._config.longest_seconds - _TIME_TOLERANCE

    def _is_another(self, seconds: float, found: PoseLandmarks) -> bool:
        if not self._seen.found:
            return False
        before, now = self._seen.found[-1].next_region, found.next_region
        waited = seconds - self._seen.seconds[-1]
        limit = before.size * (self._config.jump + self._config.speed * waited)
        moved = math.dist((before.x, before.y), (now.x, now.y))
        ratio = max(now.size, 1e-6) / max(before.size, 1e-6)
        grown = max(ratio, 1 / ratio) > self._config.growth
        return moved > limit or grown
