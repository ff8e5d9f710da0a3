import numpy as np

from motion.render.camera import Lens, direction, look_at, perspective
from motion.render.painter import Painter, View, fit_light

BOX = np.array([[x, y, z] for x in (-0.3, 0.3) for y in (0.0, 1.6) for z in (-0.2, 0.2)])


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
    matrix = perspective(lens, 0.1, 100.0) @ look_at(eye, target)
    return View(world_to_clip=matrix, eye=eye, target=target, azimuth=0.0, **rest)


def test_light_holds_the_mesh_and_its_shadow():
    sun = direction(-0.8, 0.9)
    light = fit_light(BOX.astype(np.float32), sun, 0.0, 512)
    thrown = BOX - BOX[:, 1:2] / sun[1] * sun
    for points in (BOX, thrown):
        unit = points @ light.matrix[:3, :3].T + light.matrix[:3, 3]
        assert unit.min() > 0.0
        assert unit.max() < 1.0
    near = light.matrix @ np.array([*(BOX[0] + 0.1 * sun), 1.0])
    far = light.matrix @ np.array([*BOX[0], 1.0])
    assert near[2] < far[2]


def test_picture_is_upright_lit_and_has_a_shadow(gl):
    vertices, normals, faces = cube((-0.3, 0.0, -0.2), (0.3, 1.2, 0.2))
    red = np.tile(np.float32([0.7, 0.02, 0.02]), (8, 1))
    with Painter(160, 120, faces, red) as painter:
        picture = painter.draw(vertices, normals, view_of(160, 120))
        aside = painter.draw(vertices + np.float32([50, 0, 0]), normals, view_of(160, 120))
        again = painter.draw(vertices, normals, view_of(160, 120))
    assert picture.shape == (120, 160, 4)
    np.testing.assert_array_equal(picture, again)  # nothing is left over from the picture before
    body = (picture[..., 0] > 1.6 * picture[..., 1]) & (aside[..., 0] <= 1.6 * aside[..., 1])
    rows, columns = np.nonzero(body)
    assert 62 <= columns.min() < columns.max() <= 97  # in the middle
    assert rows.min() > 15  # upright: more floor below than a flipped picture would leave
    assert np.mean(picture[:10, :, 2]) > np.mean(picture[-10:, :, 0])  # the sky is above, bluish
    changed = aside[..., :3].astype(int) - picture[..., :3].astype(int)
    shade = (changed.min(-1) > 12) & ~body
    assert shade[:, 80:].sum() > 2 * shade[:, :80].sum()  # key light from the left
    assert shade.sum() > 100


def test_nothing_shows_through_the_floor(gl):
    vertices, normals, faces = cube((-0.3, -1.5, -0.2), (0.3, -0.3, 0.2))
    red = np.tile(np.float32([0.9, 0.0, 0.0]), (8, 1))
    with Painter(64, 64, faces, red) as painter:
        picture = painter.draw(vertices, normals, view_of(64, 64)).astype(int)
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
