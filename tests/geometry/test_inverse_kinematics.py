"""Two ways to bend a leg to a target, checked by forward kinematics."""

import torch

from motion.geometry import axis_angle_to_matrix
from motion.geometry.inverse_kinematics import TwoBoneChain, hinge_ik, two_bone_ik

UPPER = torch.tensor([0.05, -0.4, -0.02])
LOWER = torch.tensor([-0.02, -0.41, -0.03])


def made_chain(count: int = 50) -> TwoBoneChain:
    start = torch.randn(count, 3)
    upper = axis_angle_to_matrix(torch.randn(count, 3))
    bend = torch.zeros(count, 3)
    bend[:, 0] = torch.rand(count) * 1.2 + 0.1
    lower = upper @ axis_angle_to_matrix(bend)
    middle = start + upper @ UPPER
    return TwoBoneChain(
        start=start,
        middle=middle,
        end=middle + lower @ LOWER,
        upper_matrix=upper,
        lower_matrix=lower,
        hinge=lower[..., 0],
    )


def end_of(chain: TwoBoneChain, bones: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    return chain.start + bones[0] @ UPPER + bones[1] @ LOWER


def test_both_reach_their_target():
    chain = made_chain()
    target = chain.start + 0.9 * (chain.end - chain.start) + 0.05 * torch.rand(50, 3)
    for solve in (two_bone_ik, hinge_ik):
        assert torch.allclose(end_of(chain, solve(chain, target)), target, atol=1e-4)


def test_hinge_leaves_a_chain_at_its_target_alone():
    chain = made_chain()
    upper, lower = hinge_ik(chain, chain.end)
    assert torch.allclose(upper, chain.upper_matrix, atol=1e-3)
    assert torch.allclose(lower, chain.lower_matrix, atol=1e-3)


def test_hinge_bends_about_its_own_axis_only():
    chain = made_chain()
    upper, lower = hinge_ik(chain, 0.8 * chain.end + 0.2 * chain.start)
    axis = (upper.transpose(-1, -2) @ lower)[..., :, 0]
    assert torch.allclose(axis, torch.tensor([1.0, 0.0, 0.0]).expand(50, 3), atol=1e-4)


def test_too_far_is_stretched_towards_the_target():
    chain = made_chain()
    far = chain.start + 5 * (chain.end - chain.start)
    for solve in (two_bone_ik, hinge_ik):
        reach = end_of(chain, solve(chain, far)) - chain.start
        cosine = torch.nn.functional.cosine_similarity(reach, far - chain.start, dim=-1)
        assert cosine.min() > 0.9999
        assert (torch.linalg.norm(reach, dim=-1) > 0.8).all()
