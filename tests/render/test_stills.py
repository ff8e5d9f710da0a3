import numpy as np
import pytest

from motion.errors import ConfigError, RequestError
from motion.render import FilmstripConfig, PictureConfig, write_filmstrip, write_png
from motion.render.stills import encode_png

av = pytest.importorskip("av")


def read(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def blue_columns(picture):
    """Columns where the blue shirt is."""
    colour = picture.astype(int)
    shirt = (colour[..., 2] - colour[..., 0] > 50) & (colour[..., 0] < 110)
    return np.flatnonzero(shirt.any(0))


def test_png_is_lossless(target):
    picture = np.random.default_rng(0).integers(0, 256, (13, 7, 3)).astype(np.uint8)
    target.mkdir()
    (target / "a.png").write_bytes(encode_png(picture))
    np.testing.assert_array_equal(read(target / "a.png"), picture)


def test_still_shows_the_moment(gl, body, walk, target):
    config = PictureConfig(width=90, height=64)
    write_png(walk, target / "first.png", body, config, seconds=0.0)
    write_png(walk, target / "other.png", body, config, seconds=0.4)
    first, other = read(target / "first.png"), read(target / "other.png")
    assert first.shape == (64, 90, 3)
    assert len(blue_columns(first)) > 4
    assert np.abs(first.astype(int) - other.astype(int)).max() > 30
    with pytest.raises(RequestError, match="no moment"):
        write_png(walk, target / "late.png", body, config, seconds=1e6)


def test_filmstrip_shows_everybody(gl, body, walk, target):
    config = FilmstripConfig(width=240, height=80)
    write_filmstrip(walk, target / "strip.png", body, config, count=3)
    columns = blue_columns(read(target / "strip.png"))
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 2) + 1)
    assert len(groups) == 3
    with pytest.raises(ConfigError, match="1 to 10"):
        write_filmstrip(walk, target / "no.png", body, config, count=11)
