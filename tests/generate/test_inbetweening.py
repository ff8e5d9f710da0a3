"""``MotionGenerator.inbetween`` and ``join`` with a tiny untrained model: what holds for any."""

from dataclasses import replace

import pytest
import torch
from made_motions import make_walk

from motion.errors import RequestError
from motion.generate import MotionGenerator
from motion.generate.gap_results import fill_wish
from motion.generate.inbetweening import join
from motion.representation import FPS, FULL_POSE_WIDTHS, NUM_BODY_JOINTS, PARTS, Motion

WALK = make_walk(140)
START, END = WALK.frames(0, 50), WALK.frames(80, 140)
NUMBERS = (*FULL_POSE_WIDTHS, "transl", "expression")


def same(one: Motion, other: Motion) -> bool:
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in NUMBERS)


def roughest(motion: Motion) -> float:
    """Largest change of a joint's step from a frame to the next one, metres."""
    joints = motion.joints(NUM_BODY_JOINTS)
    return float(torch.linalg.vector_norm(torch.diff(joints, n=2, dim=0), dim=-1).max())


@pytest.mark.parametrize(("seconds", "frames"), [(1 / 30, 1), (0.1, 3), (0.5, 15), (1.0, 30)])
def test_given_frames_stay_number_for_number(generator, seconds: float, frames: int):
    result = generator.inbetween(START, END, seconds)
    assert result.motion.num_frames == 50 + frames + 60
    assert same(result.motion.frames(0, 50), START)
    assert same(result.motion.frames(50 + frames, 110 + frames), END)
    (gap,) = result.gaps
    assert (gap.first_frame, gap.num_frames) == (50, frames)
    assert gap.miss_metres is not None
    assert result.parts == ("lower", "upper")
    assert set(result.timings) >= {"encode", "text", "prefill", "decode", "meet"}


def test_both_sides_are_met_even_by_a_model_that_knows_nothing(generator):
    result = generator.inbetween(START, END, 1.0, foot_lock=False)
    gap = result.motion.frames(48, 82)
    seams = torch.cat([torch.arange(0, 4), torch.arange(28, 32)])
    joints = gap.joints(NUM_BODY_JOINTS)
    bends = torch.linalg.vector_norm(torch.diff(joints, n=2, dim=0), dim=-1).amax(-1)
    assert bends[seams].max() < 3 * roughest(WALK)


def test_what_is_hidden_changes_nothing(generator):
    hidden = WALK.full_pose.clone()
    hidden[50:80] += 1.0
    other = Motion.from_full_pose(hidden, WALK.transl)
    one = generator.inbetween(START, END, 1.0, seed=3)
    two = generator.inbetween(other.frames(0, 50), other.frames(80, 140), 1.0, seed=3)
    assert same(one.motion, two.motion)


def test_seed_and_text_decide(generator):
    def made(**wish) -> Motion:
        return generator.inbetween(START, END, 1.0, choose="nearest", candidates=2, **wish).motion

    assert same(made(seed=1), made(seed=1))
    assert not same(made(seed=1), made(seed=2))
    assert not same(made(seed=1), made(seed=1, text="a person waves", guidance=30.0))
    first = generator.inbetween(START, END, 1.0, temperature=0.0, seed=1)
    second = generator.inbetween(START, END, 1.0, temperature=0.0, seed=2)
    assert same(first.motion, second.motion)
    assert first.text == "made walk"
    assert generator.inbetween(START, END, 0.2, "a person waves").text == "a person waves"


def test_keys_are_gone_through(generator):
    pose, walk = WALK.frames(60, 61), WALK.frames(66, 72)
    result = generator.inbetween(START, END, 1.0, keyframes=[(17 / 30, walk), (11 / 30, pose)])
    assert result.motion.num_frames == 140
    assert same(result.motion.frames(60, 61), pose)
    assert same(result.motion.frames(66, 72), walk)
    spans = [(gap.first_frame, gap.num_frames) for gap in result.gaps]
    assert spans == [(50, 10), (61, 5), (72, 8)]


@pytest.mark.parametrize("seconds", [1 / 30, 1.0, 3.0, -1.0])
def test_keys_without_frames_around_them_are_refused(generator, seconds: float):
    with pytest.raises(RequestError, match=r"a key of 1 frames at .* does not fit: there must"):
        generator.inbetween(START, END, 1.0, keyframes=[(seconds, WALK.frames(60, 61))])


def test_an_aligned_end_is_only_turned_and_moved(generator):
    result = generator.inbetween(START, END, 1.0, align=True)
    end = result.motion.frames(80, 140)
    assert torch.equal(end.body_pose, END.body_pose)
    assert torch.allclose(end.transl[:, 1], END.transl[:, 1], atol=1e-5)
    places, given = (one.joints(NUM_BODY_JOINTS) for one in (end, END))
    distances = [torch.cdist(j[0], j[-1]) for j in (places, given)]
    assert torch.allclose(*distances, atol=1e-3)
    assert not torch.allclose(end.transl, END.transl, atol=1e-3)
    assert result.gaps[0].miss_metres is None
    same_thing = generator.join(START, END, 1.0)
    assert same(same_thing.motion, result.motion)


def test_join_gives_the_gap_and_the_end_where_it_belongs(generator):
    wish = fill_wish(None, 0, generator.sampling, {})
    between, end = join(generator.gap_filler, START, END, 30, wish)
    whole = generator.join(START, END, 1.0).motion
    assert same(whole.frames(50, 80), between)
    assert same(whole.frames(80, 140), end)


@pytest.mark.parametrize("seconds", [0.8, 1.0])
def test_legs_are_kept_and_arms_are_made(generator, seconds: float):
    count = round(seconds * FPS)
    keep, end = WALK.frames(50, 50 + count), WALK.frames(50 + count, 140)
    result = generator.inbetween(START, end, seconds, keep=keep, parts=["upper"])
    made = result.motion.frames(50, 50 + count)
    pose, kept = (one.full_pose.reshape(count, -1, 3) for one in (made, keep))
    legs, arms = ([*PARTS[part].joint_indices] for part in ("lower", "upper"))
    assert torch.equal(pose[:, [0, *legs]], kept[:, [0, *legs]])
    assert torch.equal(made.transl, keep.transl)
    assert not torch.allclose(pose[:, arms], kept[:, arms], atol=1e-2)
    assert result.parts == ("upper",)


def test_kept_codes_are_those_of_the_kept_frames(generator):
    keep = WALK.frames(50, 80)
    written = []
    engine, generate = generator.engine, generator.engine.generate
    generator.engine.generate = lambda *rest, **more: (
        written.append(generate(*rest, **more)) or written[-1]
    )
    try:
        generator.inbetween(START, END, 1.0, keep=keep, parts=["upper"])
    finally:
        generator.engine.generate = generate
    assert engine is generator.engine
    whole = generator.codes_of(replace(WALK.frames(2, 128), parts=frozenset({"lower", "upper"})))
    streams = generator.language.model.vocabulary.streams
    lower = [i for i, s in enumerate(streams) if s.part == "lower"]
    halo = generator.tokenizer.halo_codes
    assert halo <= 8 or torch.equal(written[0][0][:, lower], whole[8:13][:, lower])
    assert all(torch.equal(rows[:, lower], written[0][0][:, lower]) for rows in written[1])


def test_hands_told_differently_are_brought_together(generator):
    relaxed = replace(END, flat_hand_mean=False)
    result = generator.inbetween(START, relaxed, 0.2)
    assert result.motion.flat_hand_mean
    assert same(result.motion.frames(0, 50), START)
    assert result.motion.left_hand_pose[-1].abs().max() > 0.1


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"seconds": 0.0}, "seconds must lie between 0.033 .one frame. and 600, got 0"),
        ({"seconds": 601}, "seconds must lie between"),
        ({"seconds": float("nan")}, "seconds must lie between"),
        ({"candidates": 0}, "candidates must lie between 1 and 16, got 0"),
        ({"choose": "worst"}, "choose must be one of auto, mean, nearest"),
        ({"text": " "}, "the text is empty"),
        ({"seed": -1}, "the seed must lie in 0 to 2"),
        ({"parts": ["upper"]}, "give the motion whose other parts to keep"),
        ({"parts": ["face"]}, "filled with the parts lower and upper, got face"),
        ({"parts": []}, "filled with the parts lower and upper, got none"),
        ({"keep": WALK.frames(0, 30)}, "name the parts to make anew"),
        ({"keep": WALK.frames(0, 29), "parts": ["upper"]}, "the gap's 30 frames, got 29"),
        (
            {"keep": replace(WALK.frames(0, 30), fps=60.0), "parts": ["upper"]},
            "the gap's 30 frames at 30 fps, got 30 at 60",
        ),
    ],
)
def test_impossible_wishes_are_refused(generator, wish, message: str):
    with pytest.raises(RequestError, match=message):
        generator.inbetween(START, END, **{"seconds": 1.0, **wish})


def test_a_result_is_written_like_any_other(generator: MotionGenerator, tmp_path):
    path = generator.inbetween(START, END, 0.2).save(tmp_path / "gap.npz")
    assert path.stat().st_size > 0
