import math
import os
from pathlib import Path

import pytest
import torch

from motion.data.captioning import LANGUAGES, all_texts
from motion.errors import ConfigError
from motion.evaluate.check_grammar import (
    PROMPT_SUITES,
    PromptSuite,
    load_suite,
    packaged_suite,
    parse_expectation,
)
from motion.evaluate.checks import CHECKS, evaluate_checks, validate_expectation
from motion.evaluate.prompts import run_prompt_suite, wilson_interval
from motion.representation import JOINT_INDEX, Motion, join_motions, rest_positions

ARM_DOWN = {"left": -1.3, "right": 1.3}


def standing(seconds: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Pose (T, 55, 3) and translation of a person who stands with hanging arms."""
    frames = round(30 * seconds)
    pose, transl = torch.zeros(frames, 55, 3), torch.zeros(frames, 3)
    for side, angle in ARM_DOWN.items():
        pose[:, JOINT_INDEX[f"{side}_shoulder"], 2] = angle
    transl[:, 1] = -float(rest_positions()[JOINT_INDEX["left_foot"], 1]) + 0.03
    return pose, transl


def made(pose: torch.Tensor, transl: torch.Tensor) -> Motion:
    return Motion.from_full_pose(pose.flatten(1), transl, source="made")


def glide(forward: float, left: float, seconds: float = 3.0) -> Motion:
    pose, transl = standing(seconds)
    share = torch.linspace(0, 1, len(transl))
    transl[:, 2] += forward * share
    transl[:, 0] += left * share
    return made(pose, transl)


def turning(degrees: float, seconds: float = 2.0) -> Motion:
    pose, transl = standing(seconds)
    pose[:, 0, 1] = torch.linspace(0, math.radians(degrees), len(pose))
    return made(pose, transl)


def raising(side: str, *, swings: int = 0, seconds: float = 3.0) -> Motion:
    pose, transl = standing(seconds)
    share = torch.linspace(0, 1, len(pose))
    up = torch.sin(math.pi * share).clamp(max=0.5) / 0.5
    sign = 1.0 if side == "left" else -1.0
    pose[:, JOINT_INDEX[f"{side}_shoulder"], 2] = sign * (-1.3 + 2.3 * up)
    if swings:
        elbow = 0.6 * torch.sin(math.pi * swings * share)
        pose[:, JOINT_INDEX[f"{side}_elbow"], 2] = sign * elbow
    return made(pose, transl)


def bowing(degrees: float, seconds: float = 3.0) -> Motion:
    pose, transl = standing(seconds)
    lean = torch.sin(math.pi * torch.linspace(0, 1, len(pose))) * math.radians(degrees)
    pose[:, 0, 0] = lean
    for side in ("left", "right"):
        pose[:, JOINT_INDEX[f"{side}_hip"], 0] = -lean
    return made(pose, transl)


def hopping(metres: float, times: int) -> Motion:
    pose, transl = standing(1.0 * times)
    phase = torch.linspace(0, times, len(pose))
    transl[:, 1] += metres * torch.sin(2 * math.pi * phase).clamp(min=0)
    return made(pose, transl)


def passes(motion: Motion, check: str, **settings: object) -> bool:
    expectation = parse_expectation({"check": check, **settings}, "test")
    return evaluate_checks(motion, [expectation])[0].passed


@pytest.mark.parametrize(
    ("direction", "forward", "left"),
    [
        ("forward", 2.0, 0.0),
        ("backward", -2.0, 0.0),
        ("left", 0.0, 2.0),
        ("right", 0.0, -2.0),
        ("forward_left", 1.4, 1.4),
        ("forward_right", 1.4, -1.4),
    ],
)
def test_travel_is_relative_to_how_the_person_faces(direction: str, forward: float, left: float):
    motion = glide(forward, left)
    for other in ("forward", "backward", "left", "right"):
        expected = other == direction
        assert passes(motion, "travel", direction=other, min_metres=1.0) == expected
    assert passes(motion, "travel", direction=direction, min_metres=1.0)
    assert not passes(motion, "travel", direction=direction, min_metres=2.5)
    mirrored = {"left": "right", "right": "left"}
    swapped = "_".join(mirrored.get(word, word) for word in direction.split("_"))
    assert passes(motion.mirrored(), "travel", direction=swapped, min_metres=1.0)


def test_turn_has_a_sign():
    assert passes(turning(90), "turn", direction="left")
    assert not passes(turning(90), "turn", direction="right")
    assert passes(turning(-90), "turn", direction="right")
    assert not passes(turning(20), "turn")
    assert passes(turning(90), "faces", degrees=90)
    assert not passes(turning(90), "faces")
    assert passes(turning(-360, 4), "spin", direction="right")
    result = evaluate_checks(turning(90), [parse_expectation({"check": "turn"}, "t")])[0]
    assert result.value == pytest.approx(90, abs=4)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_raised_and_the_waving_hand_are_told_apart(side: str):
    other = "right" if side == "left" else "left"
    once, waving = raising(side), raising(side, swings=8)
    assert passes(once, "hand_raised", hand=side, only=True)
    assert passes(once, "hand_raised", hand=side, above="head")
    assert not passes(once, "hand_raised", hand=other)
    assert not passes(once, "hand_raised", hand="both")
    assert passes(once, "raises", hand=side, max_count=1)
    assert not passes(once, "wave", hand=side)
    assert passes(waving, "wave", hand=side)
    assert not passes(waving, "wave", hand=other)
    assert passes(waving.mirrored(), "wave", hand=other)


def test_a_hand_that_is_up_for_a_blink_is_not_raised():
    once = raising("left")
    assert passes(once, "raises", hand="left")
    blink = Motion.from_full_pose(once.full_pose[::12], once.transl[::12], source="made")
    assert passes(blink, "hand_raised", hand="left")
    assert not passes(blink, "raises", hand="left")


def test_bow_jump_and_stillness():
    assert passes(bowing(50), "bow")
    assert not passes(bowing(8), "bow")
    assert not passes(bowing(50), "hand_raised")
    assert passes(hopping(0.3, 3), "jump", min_count=3, max_count=3)
    assert not passes(hopping(0.03, 3), "jump")
    pose, transl = standing(2.0)
    quiet = made(pose, transl)
    assert passes(quiet, "still")
    assert passes(quiet, "on_floor")
    assert not passes(quiet, "jump")
    assert not passes(raising("left"), "still")
    floating = made(pose, transl + torch.tensor([0.0, 0.4, 0.0]))
    assert not passes(floating, "on_floor")


def test_order_needs_the_order():
    steps = [{"check": "bow"}, {"check": "wave", "hand": "right"}]
    order = parse_expectation({"order": steps}, "test")
    backwards = parse_expectation({"order": steps[::-1]}, "test")
    motion = join_motions([bowing(50), raising("right", swings=8)])
    results = evaluate_checks(motion, [order, backwards])
    assert [result.passed for result in results] == [True, False]
    assert results[0].expectation == "order(bow(), wave(hand=right))"


def test_checks_do_not_depend_on_place_and_heading():
    motion = glide(2.0, 0.0)
    pose, yaw = motion.full_pose.clone(), math.radians(130)
    pose[:, 1] += yaw  # the person stands upright: yaw adds
    turn = torch.tensor(
        [[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]]
    )
    pelvis = rest_positions()[0]
    transl = (motion.transl + pelvis) @ turn.T - pelvis + torch.tensor([3.0, 0.0, -5.0])
    moved = Motion.from_full_pose(pose, transl)
    assert passes(moved, "travel", direction="forward", min_metres=1.9, max_metres=2.1)


@pytest.mark.parametrize("name", PROMPT_SUITES)
def test_prompt_suites_name_real_checks(name: str):
    suite = load_suite(packaged_suite(name))
    for prompt in suite.prompts:
        assert 1 <= prompt.seconds <= 20
        for expectation in prompt.expectations:
            validate_expectation(expectation)
    by_language = [prompt.language for prompt in suite.prompts]
    if name == "heldout":
        assert by_language.count("en") >= 60
    else:
        assert {by_language.count(language) for language in LANGUAGES[1:]} == {12}
    texts = [prompt.text for prompt in suite.prompts]
    assert len(set(texts)) == len(texts)


def plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_prompt_is_a_training_text(language: str):
    prompts = {
        plain(prompt.text)
        for name in PROMPT_SUITES
        for prompt in load_suite(packaged_suite(name)).prompts
        if prompt.language == language
    }
    assert prompts
    assert not prompts & {plain(text) for text in all_texts(language)}


def test_grammar_says_what_is_wrong(tmp_path: Path):
    with pytest.raises(ConfigError, match="unknown check 'fly'"):
        validate_expectation(parse_expectation({"check": "fly"}, "here"))
    with pytest.raises(ConfigError, match=r"not \['height'\]"):
        validate_expectation(parse_expectation({"check": "jump", "height": 1}, "here"))
    with pytest.raises(ConfigError, match="at least two"):
        parse_expectation({"order": [{"check": "bow"}]}, "here")
    with pytest.raises(ConfigError, match="here: an expectation is"):
        parse_expectation("bow", "here")
    broken = tmp_path / "suite.yaml"
    broken.write_text("prompts: [{text: a, seconds: -1, expect: [{check: bow}]}]")
    with pytest.raises(ConfigError, match="prompt 1: seconds must be a positive number"):
        load_suite(broken)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_suite(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="unknown direction 'up'"):
        passes(glide(1, 0), "travel", direction="up")
    with pytest.raises(ConfigError, match="unknown side 'third'"):
        passes(glide(1, 0), "wave", hand="third")


def test_run_prompt_suite_reports_rates_with_intervals():
    suite = load_suite(packaged_suite("heldout"))
    small = PromptSuite(name="small", prompts=suite.prompts[:10])

    def always_forward(text: str, seconds: float, seed: int) -> Motion:
        return glide(1.0 * seconds, 0.0, seconds)

    report = run_prompt_suite(always_forward, small, seeds=(0, 1))
    assert report["overall"]["total"] == 20
    travels = report["by_check"]["travel"]
    assert 0 < travels["passed"] < travels["total"]
    backward = [row for row in report["prompts"] if "backs away" in row["text"]]
    assert [row["passed"] for row in backward] == [False, False]
    assert report["by_language"]["en"] == report["overall"]
    low, high = wilson_interval(8, 10)
    assert (low, high) == pytest.approx((0.490, 0.943), abs=1e-3)
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.skipif("MOTION_DATA" not in os.environ, reason="MOTION_DATA names no prepared corpora")
def test_checks_agree_with_labels_of_real_clips():
    from motion.data import PreparedCorpus
    from motion.data.captioning.measures import Track

    corpus = PreparedCorpus.load(Path(os.environ["MOTION_DATA"]) / "bandai")
    found = {"left": [], "right": []}
    for index, clip in enumerate(corpus.clips):
        for side in found:
            if clip.labels["content"] == f"raise-up-{side}-hand" and index % 10 == 0:
                track = Track.of(corpus.motion(index))
                found[side].append(CHECKS["hand_raised"](track, hand=side, only=True).passed)
    assert all(sum(results) >= 0.9 * len(results) > 0 for results in found.values())


def touching(side: str) -> Motion:
    """One hand at the head: upper arm half up, forearm folded inwards."""
    pose, transl = standing(2.0)
    sign = 1.0 if side == "left" else -1.0
    pose[20:40, JOINT_INDEX[f"{side}_shoulder"], 2] = sign * 0.8
    pose[20:40, JOINT_INDEX[f"{side}_elbow"], 2] = sign * 2.0
    return made(pose, transl)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_hand_touches_the_head(side: str):
    other = "right" if side == "left" else "left"
    wishes = [
        {"check": "touch", "hand": side},
        {"check": "touch"},
        {"check": "touch", "hand": other},
        {"check": "touch", "what": "hand"},
    ]
    results = evaluate_checks(touching(side), [parse_expectation(w, "here") for w in wishes])
    assert [one.passed for one in results] == [True, True, False, False]
    assert 0 < results[0].value < 0.22 < results[2].value


def test_nobody_touches_what_is_unknown():
    with pytest.raises(ConfigError, match="unknown thing to touch 'moon'; known are"):
        evaluate_checks(
            touching("left"), [parse_expectation({"check": "touch", "what": "moon"}, "here")]
        )


def test_lasting_is_exact_to_half_a_frame():
    motion = glide(0, 0, seconds=3.0)
    for settings, passed in (
        ({"min_seconds": 3.0, "max_seconds": 3.0}, True),
        ({"min_seconds": 3.05}, False),
        ({"max_seconds": 2.95}, False),
    ):
        wish = parse_expectation({"check": "lasts", **settings}, "here")
        assert evaluate_checks(motion, [wish])[0].passed is passed
