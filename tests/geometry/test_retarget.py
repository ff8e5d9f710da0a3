import pytest
import torch

from motion.geometry import axis_angle_to_matrix
from motion.geometry.inverse_kinematics import TwoBoneChain, two_bone_ik
from motion.geometry.retarget import RestRule, rest_corrections, swing, turn_about


def unit(*shape):
    return torch.nn.functional.normalize(torch.randn(*shape, 3), dim=-1)


def test_swing_carries_one_direction_onto_the_other_by_the_smallest_turn():
    start, end = unit(50), unit(50)
    matrix = swing(start, end)
    torch.testing.assert_close((matrix @ start[..., None])[..., 0], end, atol=1e-5, rtol=0)
    cosine = (matrix.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2
    torch.testing.assert_close(cosine, (start * end).sum(-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("direction", [(1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)])
def test_swing_of_equal_and_opposite_directions(direction):
    start = torch.tensor(direction)
    torch.testing.assert_close(swing(start, start), torch.eye(3))
    torch.testing.assert_close(swing(start, -start) @ start, -start, atol=1e-6, rtol=0)


def test_turn_about_keeps_its_axis():
    axis, start, end = unit(20), unit(20), unit(20)
    matrix = turn_about(axis, start, end)
    torch.testing.assert_close((matrix @ axis[..., None])[..., 0], axis, atol=1e-5, rtol=0)
    moved = (matrix @ start[..., None])[..., 0]
    assert ((moved * end).sum(-1) >= (start * end).sum(-1) - 1e-6).all()


def test_corrections_carry_target_bones_onto_source_bones():
    target = torch.tensor([[0.0, 0, 0], [0.1, -1, 0], [0, -2, 0.1], [0, -2.1, 1]])
    source = torch.tensor([[0.0, 0, 0], [0.5, -1, 0], [1, -2, 0], [1.5, -2, 1]])
    rules = [
        RestRule(joint=0, child=1),
        RestRule(joint=1, child=2, inherit=0),
        RestRule(joint=2, child=3, hangs_from=1, about=1),
        RestRule(joint=3, inherit=2),
    ]
    found = rest_corrections(target, source, rules)
    for joint in (0, 1):
        bone = found[joint] @ (target[joint + 1] - target[joint])
        cosine = torch.cosine_similarity(bone, source[joint + 1] - source[joint], dim=0)
        assert cosine > 0.9999
    shin = torch.nn.functional.normalize(source[2] - source[1], dim=0)
    torch.testing.assert_close(found[2] @ torch.tensor([0.0, -1, 0]), shin)
    torch.testing.assert_close(found[3], found[2])


def bent_chain(angle):
    upper = axis_angle_to_matrix(torch.randn(20, 3) * 0.3)
    lower = upper @ axis_angle_to_matrix(torch.tensor([angle, 0.0, 0.0]))
    bone = torch.tensor([0.0, -0.4, 0.0])
    start = torch.randn(20, 3)
    middle = start + upper @ bone
    return TwoBoneChain(
        start=start,
        middle=middle,
        end=middle + lower @ bone,
        upper_matrix=upper,
        lower_matrix=lower,
        hinge=lower[..., 0],
    ), bone


def end_of(chain, upper, lower, bone):
    return chain.start + upper @ bone + lower @ bone


def test_the_end_reaches_its_target_and_a_reached_target_changes_nothing():
    chain, bone = bent_chain(0.6)
    upper, lower = two_bone_ik(chain, chain.end)
    torch.testing.assert_close(upper, chain.upper_matrix, atol=1e-3, rtol=0)
    target = chain.end + 0.05 * unit(20)
    upper, lower = two_bone_ik(chain, target)
    reached = end_of(chain, upper, lower, bone)
    near = torch.linalg.norm(target - chain.start, dim=-1) < 0.79
    torch.testing.assert_close(reached[near], target[near], atol=1e-4, rtol=0)
    assert torch.linalg.norm(reached - target, dim=-1).max() < 0.03


@pytest.mark.parametrize("factor", [0.0, 1.5, 10.0])
def test_targets_out_of_reach_stretch_without_breaking(factor):
    chain, bone = bent_chain(0.0)
    target = chain.start + factor * (chain.end - chain.start)
    upper, lower = two_bone_ik(chain, target)
    assert torch.isfinite(upper).all()
    assert torch.isfinite(lower).all()
    length = torch.linalg.norm(end_of(chain, upper, lower, bone) - chain.start, dim=-1)
    assert (length <= 0.8 + 1e-5).all()


def test_a_straight_leg_bends_about_its_hinge():
    chain, _ = bent_chain(0.0)
    target = chain.start + 0.9 * (chain.end - chain.start)
    upper, lower = two_bone_ik(chain, target)
    bend = (upper.transpose(-1, -2) @ lower)[:, 2, 1]
    assert (bend > 0.1).all()  # a positive turn about local x
