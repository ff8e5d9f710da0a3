"""Films as pictures with times: rates, thinning, turned and stretched pictures, damage."""

import struct
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from made_films import HEIGHT, WIDTH, Shown, read_number, write_film
from made_people import write_wav

from motion.errors import FormatError
from motion.formats.film import film_info, read_pictures


def numbers(path: Path, fps: float = 30) -> list[int | None]:
    return [read_number(picture.pixels) for picture in read_pictures(path, fps=fps)]


def test_every_picture_comes_with_its_time(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [Shown(k) for k in range(20)], fps=25)
    found = list(read_pictures(path, fps=30))
    assert [read_number(picture.pixels) for picture in found] == list(range(20))
    assert [picture.seconds for picture in found] == pytest.approx([k / 25 for k in range(20)])
    assert found[0].pixels.shape == (HEIGHT, WIDTH, 3)
    info = film_info(path)
    assert (info.width, info.height, info.fps) == (WIDTH, HEIGHT, 25.0)
    assert info.seconds == pytest.approx(0.8)


def test_a_faster_film_is_thinned_out(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [Shown(k) for k in range(24)], fps=60)
    assert numbers(path) == list(range(0, 24, 2))
    path = write_film(tmp_path / "b.mp4", [Shown(k) for k in range(20)], fps=50)
    assert numbers(path) == [0, 2, 3, 5, 7, 8, 10, 12, 13, 15, 17, 18]


def test_a_rate_that_varies_is_kept(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.2, 0.25, 0.5]
    path = write_film(tmp_path / "a.mkv", [Shown(k) for k in range(5)], times=times)
    found = [picture.seconds for picture in read_pictures(path, fps=30)]
    assert found == pytest.approx(times, abs=2e-3)


def test_pictures_of_a_turned_phone_stand_upright(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [Shown(5)] * 3)
    plain = next(read_pictures(path, fps=30)).pixels
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd") + 44  # behind version, flags, times, id, duration, layer
    quarter = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)  # shown turned to the right
    data[header : header + 36] = struct.pack(">9i", *quarter)
    path.write_bytes(data)
    turned = next(read_pictures(path, fps=30)).pixels
    assert torch.equal(turned, torch.rot90(plain, -1))
    assert (film_info(path).width, film_info(path).height) == (HEIGHT, WIDTH)


def test_pixels_become_square_and_large_pictures_small(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [Shown(5)] * 2, aspect=Fraction(2))
    assert next(read_pictures(path, fps=30)).pixels.shape == (HEIGHT, 2 * WIDTH, 3)
    small = next(read_pictures(path, fps=30, longest_side=80)).pixels
    assert small.shape == (30, 80, 3)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.mp4", b"", "is empty"),
        ("a.mp4", b"no film at all" * 50, "cannot be read as video"),
        ("a.txt", b"a person walks\n" * 50, "only text"),
        ("missing.mp4", None, "there is no video file"),
        (".", None, "is a folder"),
    ],
)
def test_what_is_no_film(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FormatError, match=said):
        film_info(path)
    with pytest.raises(FormatError, match=said):
        next(read_pictures(path, fps=30))


def test_a_sound_is_no_film(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.5)
    with pytest.raises(FormatError, match="holds no film"):
        film_info(tmp_path / "a.wav")


def test_a_torn_film_is_refused(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [Shown(k) for k in range(30)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FormatError, match="cannot be read as video"):
        film_info(path)
