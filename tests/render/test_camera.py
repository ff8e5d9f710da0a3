import numpy as np
import pytest

from motion.render.camera import (
    MARGIN,
    Lens,
    direction,
    follow,
    heading,
    look_at,
    needed_distance,
)

FPS = 30.0


def people(root: np.ndarray) -> np.ndarray:
    """A box of a person's size around each root position."""
    corners = np.array([[x, y, z] for x in (-0.4, 0.4) for y in (0.0, 1.7) for z in (-0.3, 0.3)])
    return root[:, None] + corners


def in_picture(points: np.ndarray, eye: np.ndarray, target: np.ndarray, lens: Lens) -> float:
    """How far out the outermost point is seen: 1 is the picture's edge."""
    world_to_camera = look_at(eye, target)
    seen = points @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    assert seen[..., 2].max() < 0.0
    return np.abs(seen[..., :2] / -seen[..., 2:] / lens.slopes).max()


def test_needed_distance_is_exact():
    towards, lens = direction(0.3, 0.2), Lens(aspect=1.5)
    points = np.random.default_rng(0).normal(size=(20, 3))
    target = np.array([0.1, 0.2, 0.3])
    distance = float(needed_distance(points, target, towards, lens))
    right, up = look_at(towards, np.zeros(3))[:2, :3]
    around = np.concatenate([points + s * MARGIN * a for a in (right, up) for s in (-1, 1)])
    eye = target + distance * towards
    assert in_picture(around, eye, target, lens) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("path", ["run", "dash", "jump", "stand"])
def test_everybody_stays_in_the_picture(path):
    t = np.arange(150) / FPS
    zero = np.zeros_like(t)
    roots = {
        "run": np.stack([0.5 * np.sin(3 * t), zero, 4.0 * t], 1),
        "dash": np.stack([np.where(t > 2.5, 6.0, 0.0), zero, zero], 1),
        "jump": np.stack([zero, 2.5 * np.exp(-(((t - 2) / 0.2) ** 2)), zero], 1),
        "stand": np.stack([zero, zero, zero], 1),
    }
    points, lens = people(roots[path]), Lens(aspect=16 / 9)
    camera = follow(points, FPS, direction(0.5, 0.15), lens)
    worst = max(
        in_picture(points[i], camera.eye[i], camera.target[i], lens) for i in range(len(points))
    )
    assert 0.2 < worst < 1.0


def test_camera_is_quiet():
    t = np.arange(300) / FPS
    sway = people(np.stack([0.15 * np.sin(5 * t), 0 * t, 0 * t], 1))
    still = follow(sway, FPS, direction(0.5, 0.15), Lens(aspect=16 / 9))
    assert np.ptp(still.eye, axis=0).max() == 0.0
    jerky = np.stack([0 * t, 0 * t, 3.0 * np.floor(t)], 1)
    camera = follow(people(jerky), FPS, direction(0.5, 0.15), Lens(aspect=16 / 9))
    steps = np.linalg.norm(np.diff(camera.eye, axis=0), axis=1)
    assert steps.max() < 0.15  # metres a frame, though the person leaps 3 m
    fixed = follow(people(jerky), FPS, direction(0.5, 0.15), Lens(aspect=16 / 9), moving=False)
    assert np.ptp(fixed.eye, axis=0).max() == 0.0


def test_one_frame_is_enough():
    camera = follow(people(np.zeros((1, 3))), FPS, direction(0.0, 0.1), Lens(aspect=1.0))
    assert camera.eye.shape == (1, 3)
    assert np.isfinite(camera.eye).all()


def test_heading_is_where_the_person_faces():
    # subject's left at +x means facing +z (azimuth 0); left at -z means facing +x
    assert heading(np.array([0.1, 1, 0]), np.array([-0.1, 1, 0])) == pytest.approx(0.0)
    assert heading(np.array([0, 1, -0.1]), np.array([0, 1, 0.1])) == pytest.approx(np.pi / 2)
