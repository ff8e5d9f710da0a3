"""Where clips begin and end: sight, cuts, lengths, other people; and going on after a stop."""

from pathlib import Path

import pytest
import torch
from made_curation import MadeFinder
from made_films import Shown, write_film

from motion.errors import ConfigError
from motion.formats.film import read_pictures
from motion.generate.curation.clips import ClipConfig, ClipFinder, FoundClip
from motion.representation import Motion

GREEN = (60, 160, 60)


@pytest.fixture(scope="module")
def finder(walk_motion: Motion) -> MadeFinder:
    return MadeFinder(walk_motion)


def found(
    path: Path, finder: MadeFinder, resume: float = 0.0, config: ClipConfig | None = None
) -> list[FoundClip]:
    pictures = read_pictures(path, fps=30)
    return list(ClipFinder(finder, config).clips(pictures, resume))


def spans(clips: list[FoundClip]) -> list[tuple[float, float, bool]]:
    return [
        (round(c.track.start_seconds, 2), round(c.track.end_seconds, 2), c.long_enough)
        for c in clips
    ]


def test_one_person_one_clip(tmp_path: Path, finder: MadeFinder) -> None:
    film = write_film(tmp_path / "a.mp4", [Shown(k) for k in range(45)])
    clip = found(film, finder)[0]
    assert spans([clip]) == [(0.0, 1.5, True)]
    assert clip.track.num_frames == 45
    assert clip.track.num_missed == 0
    torch.testing.assert_close(clip.track.seconds, torch.arange(45, dtype=torch.float64) / 30)


@pytest.mark.parametrize(("fps", "frames"), [(25, 36), (24, 36), (60, 36), (12, 36)])
def test_frames_do_not_depend_on_the_films_rate(
    tmp_path: Path, finder: MadeFinder, fps: int, frames: int
) -> None:
    count = round(1.2 * fps)
    film = write_film(tmp_path / "a.mp4", [Shown(k * 30 // fps) for k in range(count)], fps=fps)
    assert found(film, finder)[0].track.num_frames in (frames - (fps < 15), frames)


def test_gaps_and_cuts_end_a_clip(tmp_path: Path, finder: MadeFinder) -> None:
    nobody = [Shown(0, nobody=True)]
    shown = [Shown(k % 60) for k in range(33)]  # 1.1 s
    film = write_film(
        tmp_path / "a.mp4",
        [
            *nobody * 5, *shown, *nobody * 5, *shown[:3],  # out of sight for 0.17 s: one clip
            *nobody * 20, *shown,  # 0.67 s: the next one
            *[Shown(s.number, background=GREEN) for s in shown],  # a cut
            *nobody * 12, *shown[:12],  # too short
        ],
    )  # fmt: skip
    clips = found(film, finder)
    assert spans(clips) == [
        (0.17, 1.53, True), (2.2, 3.3, True), (3.3, 4.4, True), (4.8, 5.2, False)
    ]  # fmt: skip
    assert clips[0].track.num_missed == 5


def test_long_clips_are_cut(tmp_path: Path, finder: MadeFinder) -> None:
    film = write_film(tmp_path / "a.mp4", [Shown(k % 60) for k in range(75)])
    clips = found(film, finder, config=ClipConfig(shortest_seconds=0.5, longest_seconds=1.0))
    assert spans(clips) == [(0.0, 1.0, True), (1.0, 2.0, True), (2.0, 2.5, True)]
    assert [clip.track.num_frames for clip in clips] == [30, 30, 15]


def test_somebody_else_ends_a_clip(tmp_path: Path, walk_motion: Motion) -> None:
    finder = MadeFinder(walk_motion, shift={30: 45.0})
    film = write_film(tmp_path / "a.mp4", [Shown(k) for k in range(60)])
    assert spans(found(film, finder)) == [(0.0, 1.0, True), (1.0, 2.0, True)]


def test_it_goes_on_after_a_stop_as_it_would_have(tmp_path: Path, finder: MadeFinder) -> None:
    nobody = [Shown(0, nobody=True)] * 6
    shown = [Shown(k) for k in range(18)]
    green = [Shown(s.number, background=GREEN) for s in shown]
    film = write_film(tmp_path / "a.mp4", [*shown, *nobody, *shown, *green, *nobody])
    config = ClipConfig(shortest_seconds=0.5, gap_seconds=0.1)
    whole = found(film, finder, config=config)
    assert len(whole) == 3
    for number, clip in enumerate(whole):
        looked = finder.num_looked
        rest = found(film, finder, clip.resume_seconds, config)
        assert spans(rest) == spans(whole[number + 1 :])
        for one, other in zip(rest, whole[number + 1 :], strict=True):
            assert torch.equal(one.track.world, other.track.world)
        assert finder.num_looked - looked <= 19 * len(rest)  # nothing is looked at twice


def test_places_are_counted_from_the_middle(tmp_path: Path, finder: MadeFinder) -> None:
    film = write_film(tmp_path / "a.mp4", [Shown(k) for k in range(30)])
    pixels = found(film, finder)[0].track.pixels
    world = found(film, finder)[0].track.world
    assert float(pixels[..., :2].abs().max()) < 80
    step = torch.diff(pixels[..., :2], dim=1) / 40.0  # pixels a metre
    torch.testing.assert_close(step, torch.diff(world[..., :2], dim=1), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("values", "said"), [
    ({"shortest_seconds": 3.0, "longest_seconds": 2.0}, "shortest_seconds"),
    ({"longest_seconds": 100.0}, "longest_seconds"),
    ({"gap_seconds": 2.0}, "gap_seconds"),
])  # fmt: skip
def test_settings_are_checked(values: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ClipConfig(**values)
