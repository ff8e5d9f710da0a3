"""``MotionGenerator.extend`` with a tiny untrained model: what holds for any."""

from dataclasses import replace

import pytest
import torch
from made_motions import make_walk

from motion.errors import RequestError
from motion.representation import NUM_BODY_JOINTS, Motion

WALK = make_walk(90)


@pytest.mark.parametrize(("given", "seconds", "frames"), [(90, 0.5, 15), (90, 3.0, 90), (1, 1, 30)])
def test_the_given_motion_stays_and_the_length_is_exact(
    generator, given: int, seconds: float, frames: int
):
    walk = WALK.frames(0, given)
    result = generator.extend(walk, seconds)
    assert result.motion.num_frames == given + frames
    assert torch.equal(result.motion.full_pose[:given], walk.full_pose)
    assert torch.equal(result.motion.transl[:given], walk.transl)
    (gap,) = result.gaps
    assert (gap.first_frame, gap.num_frames, gap.miss_metres) == (given, frames, None)
    assert result.motion.source == "generated: made walk"


def test_it_goes_on_without_a_jump(generator):
    result = generator.extend(WALK, 1.0, foot_lock=False)
    joints = result.motion.joints(NUM_BODY_JOINTS)
    bends = torch.linalg.vector_norm(torch.diff(joints, n=2, dim=0), dim=-1).amax(-1)
    assert bends[86:90].max() < 3 * bends[:86].max()


def test_only_the_last_frames_are_seen(generator):
    other = WALK.full_pose.clone()
    other[:10] += 0.5
    long = Motion.from_full_pose(other, WALK.transl)
    one, two = (generator.extend(walk, 1.0, foot_lock=False).motion for walk in (WALK, long))
    assert torch.equal(one.full_pose[90:], two.full_pose[90:])


def test_actions_in_order_get_their_share(generator):
    result = generator.extend(WALK, 3.1, "a person walks, then waves")
    spans = [(gap.first_frame, gap.num_frames) for gap in result.gaps]
    assert spans == [(90, 48), (138, 45)]
    assert result.text == "a person walks, then waves"
    short = generator.extend(WALK, 1.0, "a person walks, then waves")
    assert len(short.gaps) == 1


def test_seed_decides(generator):
    def made(seed: int) -> torch.Tensor:
        return generator.extend(WALK, 2.5, seed=seed).motion.full_pose

    assert torch.equal(made(1), made(1))
    assert not torch.equal(made(1), made(2))


def test_legs_are_kept(generator):
    keep = replace(WALK.frames(60, 90), parts=frozenset({"lower", "upper"}))
    result = generator.extend(WALK.frames(0, 60), 1.0, keep=keep, parts=["upper"])
    assert torch.equal(result.motion.transl, WALK.transl)
    assert torch.equal(result.motion.body_pose[:, :6], WALK.body_pose[:, :6])
    with pytest.raises(RequestError, match="the 60 frames that are to be made, got 30"):
        generator.extend(WALK, 2.0, keep=keep, parts=["upper"])


def test_nothing_to_go_on_from_is_refused(generator):
    with pytest.raises(RequestError, match="the start must have frames at 30 fps, got 0"):
        generator.extend(WALK.frames(0, 0), 1.0)
