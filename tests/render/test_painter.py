from threading import Thread

import numpy as np
import pytest

from motion.errors import RenderError
from motion.render.camera import Lens
from motion.render.painter import Painter, View


def cube(low, high):
    """Triangles and vertices of an axis-aligned box, outside counter-clockwise."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    vertices = np.array(low) + corners * (np.array(high) - np.array(low))
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([[q[a], q[b], q[c]] for q in quads for a, b, c in ((0, 1, 2), (0, 2, 3))])
    normals = vertices - vertices.mean(0)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return vertices.astype(np.float32), normals.astype(np.float32), faces


def view_of(width, height, **rest):
    eye, target = np.array([0.0, 1.6, 6.0]), np.array([0.0, 0.6, 0.0])
    lens = Lens(aspect=width / height)
    return View(eye=eye, target=target, lens=lens, azimuth=0.0, **rest)


def test_picture_is_upright_lit_and_has_a_shadow(gl):
    vertices, normals, faces = cube((-0.3, 0.0, -0.2), (0.3, 1.2, 0.2))
    red = np.tile(np.float32([0.7, 0.02, 0.02]), (8, 1))
    with Painter(160, 120, faces, red) as painter:
        picture = painter.draw(vertices, normals, view_of(160, 120))
        aside = painter.draw(vertices + np.float32([50, 0, 0]), normals, view_of(160, 120))
        right = painter.draw(vertices + np.float32([0.8, 0, 0]), normals, view_of(160, 120))
        again = painter.draw(vertices, normals, view_of(160, 120))
    assert picture.shape == (120, 160, 3)
    np.testing.assert_array_equal(picture, again)  # nothing is left over from the picture before
    body = (picture[..., 0] > 1.6 * picture[..., 1]) & (aside[..., 0] <= 1.6 * aside[..., 1])
    assert np.nonzero((right[..., 0] > 1.6 * right[..., 1]).any(0))[0].min() > 90
    rows, columns = np.nonzero(body)
    assert 62 <= columns.min() < columns.max() <= 97  # in the middle
    assert rows.min() > 15  # upright: more floor below than a flipped picture would leave
    assert np.mean(picture[:10, :, 2]) > np.mean(picture[-10:, :, 0])  # the sky is above, bluish
    changed = aside.astype(int) - picture.astype(int)
    shade = (changed.min(-1) > 12) & ~body
    assert shade[:, 80:].sum() > 2 * shade[:, :80].sum()  # key light from the left
    assert shade.sum() > 100


def test_nothing_shows_through_the_floor(gl):
    vertices, normals, faces = cube((-0.3, -1.5, -0.2), (0.3, -0.3, 0.2))
    red = np.tile(np.float32([0.9, 0.0, 0.0]), (8, 1))
    with Painter(64, 64, faces, red) as painter:
        picture = painter.draw(vertices, normals, view_of(64, 64, floor_radius=3.0)).astype(int)
    assert np.abs(picture[..., 0] - picture[..., 1]).max() < 40


def test_joints_darken_the_floor_under_them(gl):
    vertices, normals, faces = cube((-0.05, 3.0, -0.05), (0.05, 3.1, 0.05))
    grey = np.full((8, 3), 0.5, dtype=np.float32)
    with Painter(64, 64, faces, grey) as painter:
        without = painter.draw(vertices, normals, view_of(64, 64)).astype(int)
        blobs = np.array([[0.0, 0.1, 0.0, 0.09]])
        touched = painter.draw(vertices, normals, view_of(64, 64, blobs=blobs)).astype(int)
    darker = without - touched
    row, _ = np.unravel_index(darker[..., 0].argmax(), (64, 64))
    assert darker.max() > 20
    assert 32 < row < 52


def test_a_lit_side_does_not_shade_itself(gl):
    vertices, normals, faces = cube((-0.5, 0.0, -0.5), (0.5, 1.0, 0.5))
    white = np.full((8, 3), 0.4, dtype=np.float32)
    with Painter(200, 150, faces, white) as painter:
        picture = painter.draw(vertices, normals, view_of(200, 150)).astype(int)
    front = picture[70:100, 88:112, 0]  # towards camera and key light
    assert np.abs(np.diff(front, n=2, axis=0)).max() <= 4  # no stripes
    assert np.abs(np.diff(front, n=2, axis=1)).max() <= 4


def test_supersampling_averages_edges(gl):
    vertices, normals, faces = cube((-0.3, 0.0, -0.2), (0.3, 1.2, 0.2))
    red = np.tile(np.float32([0.7, 0.02, 0.02]), (8, 1))
    pictures = []
    for supersampling in (1, 4):
        with Painter(80, 60, faces, red, supersampling=supersampling) as painter:
            pictures.append(painter.draw(vertices, normals, view_of(80, 60)).astype(int))
    plain, fine = pictures
    assert plain.shape == fine.shape == (60, 80, 3)
    assert np.abs(plain - fine).mean() < 2.0
    assert np.abs(plain - fine).max() > 0


def test_a_failed_start_lets_others_paint(gl, monkeypatch):
    _, _, faces = cube((0, 0, 0), (1, 1, 1))
    white = np.ones((8, 3), dtype=np.float32)
    opened = []

    def paint():
        with Painter(16, 16, faces, white):
            opened.append(True)

    def refuse(width, height):
        raise RenderError("no driver")

    with monkeypatch.context() as patch:
        patch.setattr("motion.render.painter.open_renderer", refuse)
        with pytest.raises(RenderError, match="no driver"):
            Painter(16, 16, faces, white)
    thread = Thread(target=paint)
    thread.start()
    thread.join(timeout=120)
    assert opened == [True]
