"""Seams without a model: places meet, speeds meet, differences die away, jumps are bridged."""

import pytest
import torch
from made_motions import make_walk

from motion.errors import RequestError
from motion.generate.poses import placed
from motion.generate.seams import follow, root_at, settle
from motion.generate.softening import BRIDGES, SETTLE_FRAMES, soften
from motion.representation import Motion, RootState, join_motions

CALM = 33
"""A frame of the made walk where nothing changes its speed suddenly."""
STEPPED = 77
"""A frame of it with a foot's landing not long before and none for a while behind it."""


def moved(motion: Motion, x: float, z: float, yaw: float) -> Motion:
    place = RootState(yaw=torch.tensor([yaw]), position=torch.tensor([[x, z]]))
    return placed(motion, place)


def root_steps(motion: Motion) -> torch.Tensor:
    return torch.linalg.vector_norm(torch.diff(motion.root_position, dim=0), dim=-1)


def test_a_walk_goes_on_where_it_was(walk_motion: Motion):
    first, second = walk_motion.frames(0, CALM), walk_motion.frames(CALM, 60)
    away = moved(second, 3.0, -2.0, 2.0)
    found = follow(first, away, 4)
    torch.testing.assert_close(found.joints(), second.joints(), atol=0.02, rtol=0)


def test_whoever_stops_keeps_the_way_of_slowing_down(walk_motion: Motion):
    still = join_motions([walk_motion.frames(0, 1)] * 40)
    found = follow(walk_motion, still, 20)
    speed = float(root_steps(walk_motion)[-1])
    way = found.root_position[0, 2] - walk_motion.root_position[-1, 2]
    assert float(way) == pytest.approx(speed * 11, rel=0.05)
    whole = join_motions([walk_motion, settle(walk_motion, found, 20)])
    steps = torch.diff(whole.root_position[:, 2])[58:82]
    assert bool((steps > -1e-4).all()), "nobody glides back"
    assert bool((torch.diff(steps) < 2e-3).all()), "nobody speeds up"


def test_offsets_die_away_and_the_rest_stays(walk_motion: Motion):
    other = moved(make_walk(60).frames(13, 60), 0.05, 2.0, 0.2)
    found = settle(walk_motion, other, 12)
    assert found.num_frames == other.num_frames
    assert torch.equal(found.full_pose[12:], other.full_pose[12:])
    assert torch.equal(found.transl[12:], other.transl[12:])
    ways = torch.stack(
        [
            torch.diff(walk_motion.root_position, dim=0)[-1],
            torch.diff(other.root_position, dim=0)[0],
        ]
    )
    step = found.root_position[0] - walk_motion.root_position[-1]
    assert bool((step >= ways.amin(0) - 1e-5).all())
    assert bool((step <= ways.amax(0) + 1e-5).all())


def test_what_fits_is_left_alone(walk_motion: Motion):
    first, second = walk_motion.frames(0, CALM), walk_motion.frames(CALM, 60)
    found = settle(first, second, 10)
    torch.testing.assert_close(found.joints(), second.joints(), atol=0.005, rtol=0)


def test_motions_without_frames_are_refused(walk_motion: Motion):
    with pytest.raises(RequestError, match="need frames, got 60 and 0"):
        settle(walk_motion, walk_motion.frames(0, 0), 10)


def test_a_single_frame_has_no_speed(walk_motion: Motion):
    one = walk_motion.frames(0, 1)
    found = settle(one, follow(one, walk_motion, 5), 5)
    torch.testing.assert_close(
        root_at(found, 0).position, root_at(one, 0).position, atol=0.1, rtol=0
    )


def test_an_arm_that_jumps_is_bridged_and_the_walk_goes_on():
    walk = make_walk(150)
    first, second = walk.frames(0, STEPPED), walk.frames(STEPPED, 150)
    raised = second.body_pose.clone()
    raised[:, 3 * 16 : 3 * 17] = torch.tensor([0.0, 0.0, -1.2])  # right shoulder
    jumping = Motion.from_full_pose(
        torch.cat([second.full_pose[:, :3], raised, second.full_pose[:, 66:]], -1), second.transl
    )
    found, count = soften(first, jumping)
    assert count in BRIDGES
    torch.testing.assert_close(found.transl, second.transl, atol=0.01, rtol=0)
    assert torch.equal(found.full_pose[30:], jumping.full_pose[30:])
    turns = torch.diff(found.body_pose[:, 3 * 16 : 3 * 17], dim=0).abs().amax(-1)
    assert float(turns.max()) < 0.5, "no jump of 1.2 radians any more"


def test_a_smooth_seam_is_only_settled():
    walk = make_walk(150)
    found, count = soften(walk.frames(0, STEPPED), walk.frames(STEPPED, 150))
    assert count == SETTLE_FRAMES
    assert found.num_frames == 150 - STEPPED


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_very_short_motions_are_softened_too(walk_motion: Motion, frames: int):
    found, count = soften(walk_motion, walk_motion.frames(0, frames))
    assert (found.num_frames, count) == (frames, frames // 2)
    assert bool(torch.isfinite(found.full_pose).all())
