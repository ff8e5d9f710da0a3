"""Written motion made to continue both sides; true features stand in for a perfect model."""

from dataclasses import replace

import pytest
import torch
from made_motions import make_walk

from motion.errors import RequestError
from motion.generate.keeping import root_of
from motion.generate.meeting import (
    MeetingConfig,
    arrival,
    mean_features,
    met,
    miss,
    pose_miss,
    takeover,
)
from motion.generate.poses import Poses, bridged, placed
from motion.representation import Motion, RootState, extract_features

WALK = make_walk(120)
START, GAP = 40, 30
CONFIG = MeetingConfig()


def turned(yaw: float, x: float, z: float) -> Motion:
    """The walk from another place in another heading."""
    return placed(WALK, RootState(yaw=torch.tensor([yaw]), position=torch.tensor([[x, z]])))


def sides(walk: Motion) -> tuple[Motion, Motion]:
    return walk.frames(0, START), walk.frames(START + GAP, 120)


def written(walk: Motion) -> dict[str, torch.Tensor]:
    whole = extract_features(walk)
    return {n: whole[n][START - 1 : START + GAP + 1] for n in ("lower", "upper")}


@pytest.mark.parametrize("place", [(0.0, 0.0, 0.0), (2.0, 1.0, -3.0)])
def test_a_perfect_motion_is_left_as_it_is(place: tuple[float, float, float]):
    walk = turned(*place)
    start, end = sides(walk)
    found, truth = met(written(walk), start, end, CONFIG), Poses.of(walk.frames(START, START + GAP))
    # the speed that leads to the end's first frame is not known: that of the frame before stands in
    assert torch.allclose(found.position, truth.position, atol=0.01)
    assert torch.allclose(found.matrix, truth.matrix, atol=0.01)
    assert torch.allclose(arrival(written(walk), start).root.yaw, root_of(end).yaw, atol=0.01)


def test_an_end_elsewhere_is_reached_without_a_step():
    start, end = sides(WALK)
    there = RootState(yaw=torch.tensor([0.8]), position=torch.tensor([[0.6, 1.5]]))
    end = placed(end, there)
    found = met(written(WALK), start, end, CONFIG)
    path = torch.cat([start.root_position[-1:], found.position, end.root_position[:1]])
    steps = torch.linalg.vector_norm(torch.diff(path[:, [0, 2]], dim=0), dim=-1)
    free = torch.linalg.vector_norm(torch.diff(WALK.transl[:, [0, 2]], dim=0), dim=-1)
    assert steps.max() < 2.5 * free.max()
    assert steps[-1] == pytest.approx(float(steps[-4:-1].mean()), abs=0.02)
    shapes = torch.diff(found.matrix[:, 0].flatten(1), dim=0).abs().amax(1)
    assert shapes.max() < 0.1


def test_poses_that_differ_at_the_sides_are_led_over():
    start, end = sides(WALK)
    wrong = {name: values.clone() for name, values in written(WALK).items()}
    generator = torch.Generator().manual_seed(0)
    offset = 0.2 * torch.randn(wrong["upper"].shape[1], generator=generator)
    wrong["upper"] += offset
    found = met(wrong, start, end, CONFIG).matrix
    for given, near in ((start.frames(START - 1, START), 0), (end.frames(0, 1), -1)):
        gap = (found[near] - given.local_matrix()[0]).abs().max()
        assert gap < 0.2  # of a wrongness of up to 0.6
    middle = (found[GAP // 2] - WALK.local_matrix()[START + GAP // 2]).abs().max()
    assert middle > 0.2  # the model is believed there


def test_interpolation_rules_beside_the_sides_only():
    share = takeover(60, CONFIG, ends=True)
    assert share[0] < 0.1
    assert share[-1] < 0.1
    assert (share[6:-6] == 1).all()
    assert (takeover(60, CONFIG, 0.4, ends=True)[6:-6] == 0.4).all()
    assert takeover(60, CONFIG, ends=False)[-1] == 1


def test_trust_falls_with_the_miss_of_the_pose_not_of_the_place():
    start, end = sides(WALK)
    arrived = arrival(written(WALK), start)
    away = placed(end, RootState(yaw=torch.tensor([1.0]), position=torch.tensor([[3.0, 4.0]])))
    assert miss(arrived, end) < 0.02
    assert miss(arrived, away) > 1
    assert pose_miss(arrived, away) < 0.02
    assert CONFIG.trust(0.0) == 1
    assert CONFIG.trust(CONFIG.doubt_metres) == 0.5
    assert CONFIG.trust(1.0) < 0.01
    bent = replace(end, body_pose=end.body_pose + 0.5)
    assert CONFIG.trust(pose_miss(arrived, bent)) < 0.3


def test_impossible_sizes_are_refused():
    with pytest.raises(RequestError, match="the sizes of a meeting must be positive"):
        MeetingConfig(takeover_frames=0)


def test_the_mean_of_equal_motions_is_the_motion():
    one = written(WALK)
    mean = mean_features([one, one, one])
    assert all(torch.allclose(mean[name], one[name], atol=1e-6) for name in one)


def test_bridged_hands_and_face_go_from_side_to_side():
    start, end = sides(WALK)
    made = bridged(start, end, 10)
    assert made.num_frames == 10
    assert made.betas is start.betas
    whole = torch.cat([start.full_pose[-2:], made.full_pose, end.full_pose[:2]])
    assert torch.diff(whole, n=2, dim=0).abs().max() < 0.15
