from dataclasses import replace

import pytest
import torch

from motion.body import BodyConfig, BodyModel
from motion.errors import ConfigError
from motion.representation import (
    JOINT_INDEX,
    SOLE_HEIGHT,
    Motion,
    rest_positions,
)


@pytest.fixture(scope="module")
def body():
    return BodyModel.load("neutral")


def random_motion(num_frames=6, seed=0, flat_hand_mean=False):
    random = torch.Generator().manual_seed(seed)
    return Motion.from_full_pose(
        0.4 * torch.randn(num_frames, 165, generator=random),
        torch.randn(num_frames, 3, generator=random),
        expression=torch.rand(num_frames, 10, generator=random),
        betas=torch.randn(10, generator=random),
        flat_hand_mean=flat_hand_mean,
    )


def rest_motion(num_frames=2):
    return Motion.from_full_pose(torch.zeros(num_frames, 165), torch.zeros(num_frames, 3))


@pytest.mark.filterwarnings("ignore")  # smplx warns about its own tensor copies
@pytest.mark.parametrize("flat_hand_mean", [True, False])
def test_mesh_agrees_with_the_smplx_package(body, flat_hand_mean):
    pytest.importorskip("smplx")
    motion = random_motion(flat_hand_mean=flat_hand_mean)
    ours = BodyModel(body.arrays, BodyConfig(coefficients="always"))
    theirs = BodyModel(body.arrays, BodyConfig(coefficients="always", engine="smplx"))
    assert (ours.vertices(motion) - theirs.vertices(motion)).abs().max() < 1e-5


@pytest.mark.filterwarnings("ignore")
def test_pose_correctives_agree_with_the_smplx_package(body, tmp_path):
    pytest.importorskip("smplx")
    import numpy as np

    with np.load(body.arrays.path) as file:
        arrays = {key: file[key] for key in file.files}
    random = np.random.default_rng(0)
    arrays["posedirs"] = (1e-3 * random.standard_normal((14030, 3, 486))).astype(np.float32)
    arrays["shapedirs"] = arrays["shapedirs"][:, :, [*range(10), *range(300, 310)]]  # short form
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    np.savez(path, **arrays)
    config = BodyConfig(coefficients="always")
    ours = BodyModel.load(tmp_path, config=config)
    assert ours.arrays.pose_dirs is not None
    assert ours.arrays.expression_dirs.shape[2] == 10
    theirs = BodyModel(ours.arrays, replace(config, engine="smplx"))
    motion = random_motion(3)
    assert (ours.vertices(motion) - theirs.vertices(motion)).abs().max() < 1e-5


def test_joints_agree_with_the_mean_skeleton(body):
    motion = random_motion(flat_hand_mean=True)
    assert (body.joints(motion) - motion.joints()).abs().max() < 2e-4


def test_joints_are_those_of_the_skinned_mesh(body):
    """A stiff body: the regressor over moved vertices must find the moved joints."""
    motion = rest_motion()
    turned = replace(
        motion,
        global_orient=torch.tensor([[0.3, -0.5, 0.2], [0.0, 2.0, 0.0]]),
        transl=motion.transl + 2,
    )
    regressed = body.arrays.joint_regressor @ body.vertices(turned)
    assert (regressed - body.joints(turned)).abs().max() < 1e-4


def test_rest_body_stands_on_its_soles_and_faces_forward(body):
    vertices = body.vertices(rest_motion())[0]
    assert abs(float(vertices[:, 1].min()) - SOLE_HEIGHT) < 1e-3
    assert (body.rest_joints() - rest_positions()).abs().max() < 2e-4
    nose = vertices[9120]  # the vertex number that smplx calls nose
    assert nose[2] > body.rest_joints()[JOINT_INDEX["head"], 2] + 0.05


def test_batches_do_not_change_the_mesh(body):
    motion = random_motion(7)
    small = BodyModel(body.arrays, BodyConfig(batch_frames=3))
    whole = body.vertices(motion)
    assert torch.allclose(small.vertices(motion), whole, atol=1e-6)
    assert torch.allclose(body.vertices(motion, 2, 5), whole[2:5], atol=1e-6)
    assert body.vertices(motion, 3, 3).shape == (0, body.num_vertices, 3)


def test_foreign_coefficients_leave_the_packaged_body_alone(body):
    motion = random_motion(2)
    plain = replace(motion, betas=torch.zeros(10), expression=torch.zeros(2, 10))
    assert torch.equal(body.vertices(motion), body.vertices(plain))
    always = BodyModel(body.arrays, BodyConfig(coefficients="always"))
    assert (always.vertices(motion) - always.vertices(plain)).abs().max() > 0.01


def test_betas_of_any_length_fit(body):
    always = BodyModel(body.arrays, BodyConfig(coefficients="always"))
    long = replace(rest_motion(), betas=torch.cat([torch.tensor([2.0]), torch.zeros(299)]))
    short = replace(rest_motion(), betas=torch.tensor([2.0]))
    tall, same = always.vertices(long), always.vertices(short)
    assert torch.equal(tall, same)
    height = tall[0, :, 1].max() - tall[0, :, 1].min()
    assert height > 1.70  # two standard deviations over the mean of 1.65 m


def test_relaxed_hand_is_added_once(body):
    flat = rest_motion()
    relaxed = replace(flat, flat_hand_mean=False)
    pose = body.pose_of(relaxed)
    assert torch.equal(pose[0, 25:].flatten(), body.arrays.hands_mean)
    assert not pose[0, :25].any()
    written = body.with_flat_hands(relaxed)
    assert torch.equal(body.pose_of(written), pose)
    assert body.with_flat_hands(flat).full_pose.equal(flat.full_pose)
    tip = JOINT_INDEX["left_middle3"]
    drop = body.joints(flat)[0, tip, 1] - body.joints(relaxed)[0, tip, 1]
    assert 0.01 < drop < 0.06  # fingers curl towards the palm, which faces down


def test_normals_point_outwards(body):
    vertices = body.vertices(rest_motion(1))
    normals = body.normals(vertices)
    assert torch.allclose(normals.norm(dim=-1), torch.ones(1, body.num_vertices), atol=1e-4)
    # against one triangle mean worked out by hand
    vertex = 9120
    touching = body.faces[(body.faces == vertex).any(1)]
    corners = vertices[0, touching]
    expected = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    expected = torch.nn.functional.normalize(expected.sum(0), dim=0)
    assert torch.allclose(normals[0, vertex], expected, atol=1e-5)
    assert normals[0, vertex, 2] > 0.5  # the tip of the nose looks forward


def test_colors_are_linear_light(body):
    assert body.colors_linear.min() >= 0
    assert body.colors_linear.max() <= 1
    skin = (body.colors == torch.tensor([206, 158, 132], dtype=torch.uint8)).all(1)
    assert skin.sum() > 1000
    expected = torch.tensor([((c / 255 + 0.055) / 1.055) ** 2.4 for c in (206, 158, 132)])
    assert torch.allclose(body.colors_linear[skin][0], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"engine": "jax"}, "engine"),
        ({"coefficients": "no"}, "coefficients"),
        ({"batch_frames": 0}, "batch"),
    ],
)
def test_config_is_checked(values, word):
    with pytest.raises((ConfigError, Exception), match=word):
        BodyConfig(**values)
