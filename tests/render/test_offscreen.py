import json
import os
import subprocess
import sys

import pytest

from motion.errors import RenderError
from motion.render import GlStatus, find_gl, write_mp4, write_png
from motion.render.offscreen import DEBIAN_PACKAGES, PLATFORM_VARIABLE, PLATFORMS, open_renderer


@pytest.fixture
def fresh_search(monkeypatch):
    """Look for OpenGL again, and forget what was found afterwards."""
    find_gl.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    find_gl.cache_clear()


def test_unknown_platform_is_named(fresh_search, body, walk, target):
    fresh_search.setenv(PLATFORM_VARIABLE, "glx")
    with pytest.raises(RenderError, match=f"{PLATFORM_VARIABLE} must be one of egl, osmesa"):
        write_png(walk, target / "never.png", body)
    assert not list(target.iterdir())


def test_without_drivers_the_packages_are_named(fresh_search, body, walk, tmp_path):
    # What the processes that look for drivers import is a PyOpenGL that finds no library.
    (tmp_path / "OpenGL").mkdir()
    (tmp_path / "OpenGL" / "__init__.py").write_text("raise ImportError('Unable to load library')")
    fresh_search.setenv("PYTHONPATH", str(tmp_path))
    fresh_search.delenv(PLATFORM_VARIABLE, raising=False)
    with pytest.raises(RenderError) as caught:
        write_mp4(walk, tmp_path / "never.mp4", body)
    for part in (DEBIAN_PACKAGES, "egl: ", "osmesa: ", "Unable to load library", ".glb"):
        assert part in str(caught.value)
    assert not (tmp_path / "never.mp4").exists()


def test_status_explains_itself():
    nothing = GlStatus(platform="", renderer="", version="", attempts=("egl: no display",))
    assert not nothing.available
    for package in ("libosmesa6", "libgl1", "libxrender1", "libegl1", "libgl1-mesa-dri"):
        assert package in nothing.explain()
    found = GlStatus(platform="egl", renderer="llvmpipe", version="4.5")
    assert found.available
    assert "llvmpipe" in found.explain()


def test_renderer_opens_on_the_platform_found(gl):
    renderer = open_renderer(8, 8)
    try:
        from OpenGL import GL

        assert GL.glGetString(GL.GL_RENDERER).decode() == gl.renderer
        assert os.environ[PLATFORM_VARIABLE] == gl.platform
    finally:
        renderer.delete()


@pytest.mark.slow
def test_the_other_platform_paints_as_well(gl):
    """Paint in a fresh process on the platform that was not chosen, if this machine has it."""
    platform = next(name for name in PLATFORMS if name != gl.platform)
    code = """
import json, numpy as np
from motion.render import find_gl
from motion.render.camera import Lens
from motion.render.painter import Painter, View
status = find_gl()
mean = None
if status.available:
    vertices = np.array([[-1, 0.2, 0], [1, 0.2, 0], [0, 1.5, 0]], dtype=np.float32)
    normals = np.tile(np.float32([0, 0, 1]), (3, 1))
    eye, aim = np.array([0.0, 1.0, 4.0]), np.array([0.0, 0.7, 0.0])
    view = View(eye=eye, target=aim, lens=Lens(aspect=1.0), azimuth=0.0)
    red = np.tile(np.float32([0.8, 0, 0]), (3, 1))
    with Painter(64, 64, np.array([[0, 1, 2]]), red) as painter:
        picture = painter.draw(vertices, normals, view)
    mean = picture.mean((0, 1)).tolist() + picture[30, 32].tolist()
print(json.dumps({"platform": status.platform, "why": status.explain(), "mean": mean}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, PLATFORM_VARIABLE: platform},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if not found["platform"]:
        pytest.skip(found["why"])
    red, green, blue, *middle = found["mean"]
    assert red > green  # a red triangle on a grey floor
    assert red > blue
    assert middle[0] > 120
    assert max(middle[1:]) < 80
