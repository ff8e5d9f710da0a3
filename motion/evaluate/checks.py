"""Programmatic checks of motions: is left left, do bows bend, do feet leave the floor.

Each check is a pure function of a ``Track`` that measures one value and says whether it passes.
Thresholds are validated on labelled captures by ``tools/validate_checks.py``.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from motion.data.captioning.measures import BOTH_SIDES, Floats, Side, Track, longest_run
from motion.errors import ConfigError
from motion.evaluate.check_grammar import Expectation
from motion.representation import Motion

HEIGHTS = {"waist": -0.3, "shoulder": -0.1}
"""Wrist above the shoulder, metres, from which a hand counts as raised so high."""

_ABOVE_HEAD = 0.0
_HELD_SECONDS = 0.1
_RAISED_SECONDS = 0.3
"""A raised hand stays up so long; swinging arms of a brisk walk do not. On train and val clips of
Bandai Namco this takes the walks that pass from 17 % to 1 %, and the raises stay at 100 %."""

_DIRECTIONS = {"forward": 0.0, "left": 90.0, "backward": 180.0, "right": -90.0}
_DIAGONALS = {"forward_left": 45.0, "forward_right": -45.0}
_DIRECTION_TOLERANCE = 35.0
"""Degrees; with 45 the four directions would touch."""

_DIAGONAL_TOLERANCE = 33.0
"""Degrees; real diagonal walks go 15 to 55 degrees off."""

TOUCHED = {"head": 0.22, "hand": 0.2}
"""Metres from the wrist at which a hand touches the head (its joint lies behind the mouth) or the
other hand (its wrist): drinking hands come to 0.21 m, those of runners to 0.26 m."""

_KICK_REACH = 0.45
_BOW_WAY, _BOW_DROP = 0.75, 0.2
"""Metres that the pelvis may go along and down in a bow: it is neither a step nor a squat."""

_STRIKE_WAY = 1.5
"""Metres; arms that swing in a quick walk are no strike."""

_WINDING, _DANCING_HANDS, _DANCING_TURN = 0.75, 0.3, math.radians(150)
_SPLITS = np.linspace(0.15, 0.85, 29)
"""Shares of the motion at which steps of an order may change."""

_MIN_PIECE = 6
"""Frames of the shortest piece that a check may be asked about."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a check found."""

    value: float
    """The measured quantity, in the check's unit."""
    passed: bool


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What an expectation came to."""

    expectation: str
    value: float
    passed: bool


Check = Callable[..., Measured]


def travel(
    track: Track,
    *,
    direction: str = "any",
    min_metres: float = 0.0,
    max_metres: float = math.inf,
    tolerance: float = 0.0,
) -> Measured:
    """Measure the net way (metres) and its direction against the initial facing.

    Args:
        track: The motion.
        direction: forward, backward, left, right, forward_left, forward_right or any.
        min_metres: Least net way.
        max_metres: Greatest net way.
        tolerance: Degrees off the direction that still count; 0 for the usual.
    """
    metres = track.travel_metres
    passed = min_metres <= metres <= max_metres
    if direction != "any":
        targets = {**_DIRECTIONS, **_DIAGONALS}
        if direction not in targets:
            raise ConfigError(f"unknown direction '{direction}'; known are {[*targets, 'any']}")
        usual = _DIAGONAL_TOLERANCE if direction in _DIAGONALS else _DIRECTION_TOLERANCE
        off = _degrees_between(math.degrees(track.travel_angle), targets[direction])
        passed = passed and off <= (tolerance or usual)
    return Measured(value=metres, passed=passed)


def turn(
    track: Track, *, direction: str = "any", min_degrees: float = 45.0, max_degrees: float = 1e9
) -> Measured:
    """Measure how far the facing changes (degrees, positive to the left)."""
    _one_of("direction", direction, ("left", "right", "any"))
    degrees = math.degrees(track.turn)
    amount = {"left": degrees, "right": -degrees, "any": abs(degrees)}[direction]
    return Measured(value=degrees, passed=min_degrees <= amount <= max_degrees)


def spin(track: Track, *, direction: str = "any", min_degrees: float = 270.0) -> Measured:
    """Measure the widest change of facing at any time (degrees, positive to the left)."""
    _one_of("direction", direction, ("left", "right", "any"))
    degrees = np.degrees(track.yaw - track.yaw[0])
    left, right = float(degrees.max()), float(-degrees.min())
    value = left if left >= right else -right
    amount = {"left": left, "right": right, "any": max(left, right)}[direction]
    return Measured(value=value, passed=amount >= min_degrees)


def faces(track: Track, *, degrees: float = 0.0, tolerance: float = 40.0) -> Measured:
    """Measure the facing at the end against the start (degrees, positive to the left)."""
    found = math.degrees(track.turn)
    return Measured(value=found, passed=_degrees_between(found, degrees) <= tolerance)


def speed(track: Track, *, min_speed: float = 0.0, max_speed: float = math.inf) -> Measured:
    """Measure the cruising speed (metres a second)."""
    return Measured(value=track.speed, passed=min_speed <= track.speed <= max_speed)


def hand_raised(
    track: Track, *, hand: str = "any", above: str = "shoulder", only: bool = False
) -> Measured:
    """Measure how high a hand goes above the shoulder or the head (metres).

    Args:
        track: The motion.
        hand: left, right, both or any.
        above: waist, shoulder or head.
        only: The other hand must stay below the height.
    """
    lifts = {side: _lift(track, side, above) for side in BOTH_SIDES}
    return _by_side(lifts, hand, 0.0, only=only)


def touch(track: Track, *, hand: str = "any", what: str = "head") -> Measured:
    """Measure how near a hand comes, for a moment, to the head or the other hand (metres).

    Args:
        track: The motion.
        hand: left, right, both or any.
        what: head or hand (the other one).
    """
    if what not in TOUCHED:
        raise ConfigError(f"unknown thing to touch '{what}'; known are {[*TOUCHED]}")
    gaps = {}
    for side in BOTH_SIDES:
        goal = "head" if what == "head" else "right_wrist" if side == "left" else "left_wrist"
        metres = np.linalg.norm(track.at(f"{side}_wrist") - track.at(goal), axis=-1)
        frames = min(len(metres), max(1, round(_HELD_SECONDS * track.fps)))
        gaps[side] = TOUCHED[what] - float(np.sort(metres)[frames - 1])
    found = _by_side(gaps, hand, 0.0, only=False)
    return Measured(value=TOUCHED[what] - found.value, passed=found.passed)


def lasts(track: Track, *, min_seconds: float = 0.0, max_seconds: float = math.inf) -> Measured:
    """Measure how long the motion is (seconds), half a frame more or less."""
    seconds, half = track.seconds, 0.5 / track.fps
    return Measured(value=seconds, passed=min_seconds - half <= seconds <= max_seconds + half)


def wave(track: Track, *, hand: str = "any", min_swings: int = 3, only: bool = True) -> Measured:
    """Count the swings of a raised hand; ``only`` as for ``hand_raised``."""
    swings = {side: float(track.wave_swings(side)) for side in BOTH_SIDES}
    return _by_side(swings, hand, min_swings, only=only)


def raises(
    track: Track, *, hand: str = "any", min_count: int = 1, max_count: int = 1_000
) -> Measured:
    """Count how often a hand goes up to the shoulder or higher."""
    counts = {side: _times_up(track, side) for side in BOTH_SIDES}
    sides = _sides(hand)
    wanted = [counts[side] for side in sides]
    count = max(wanted) if hand == "any" else min(wanted)
    return Measured(value=float(count), passed=min_count <= count <= max_count)


def kick(track: Track, *, foot: str = "any", min_reach: float = _KICK_REACH) -> Measured:
    """Measure how far a lifted foot reaches from the pelvis (metres)."""
    reach = {side: track.kick_reach(side) for side in BOTH_SIDES}
    return _by_side(reach, foot, min_reach, only=False)


def punch(track: Track, *, hand: str = "any", min_count: int = 1) -> Measured:
    """Count quick stretches of an arm at chest to head height."""
    counts = {side: float(track.punches(side)) for side in BOTH_SIDES}
    return _by_side(counts, hand, min_count, only=False)


def strike(track: Track, *, hand: str = "any", min_speed: float = 2.5) -> Measured:
    """Measure the greatest speed of a hand against the pelvis (metres a second), not on the run."""
    speeds = {side: _hand_speed(track, side) for side in BOTH_SIDES}
    found = _by_side(speeds, hand, min_speed, only=False)
    return Measured(value=found.value, passed=found.passed and track.travel_metres < _STRIKE_WAY)


def jump(
    track: Track, *, min_count: int = 1, max_count: int = 1_000, min_metres: float = 0.05
) -> Measured:
    """Measure how high both feet leave the floor in a jump (metres)."""
    passed = min_count <= track.jumps <= max_count and track.jump_metres >= min_metres
    return Measured(value=track.jump_metres, passed=passed)


def sit(track: Track, *, min_seconds: float = 0.5) -> Measured:
    """Measure the longest time on a seat or on the floor (seconds)."""
    upright = track.pitch < math.radians(60)
    seconds = longest_run(track.seated & upright) / track.fps
    return Measured(value=seconds, passed=seconds >= min_seconds)


def crouch(track: Track, *, min_seconds: float = 0.2) -> Measured:
    """Measure the longest time with strongly bent knees over the feet (seconds)."""
    seconds = longest_run(track.crouching) / track.fps
    return Measured(value=seconds, passed=seconds >= min_seconds)


def bow(track: Track, *, min_degrees: float = 20.0, max_degrees: float = 120.0) -> Measured:
    """Measure how far a standing person bows: greatest lean against the start (degrees)."""
    lean = np.degrees(track.pitch)
    start = float(np.median(lean[: max(1, len(lean) // 10)]))
    degrees = float(lean.max()) - min(start, 10.0)
    stays = track.path_metres < _BOW_WAY and track.pelvis_drop < _BOW_DROP
    return Measured(value=degrees, passed=stays and min_degrees <= degrees <= max_degrees)


def still(track: Track, *, max_metres: float = 0.15) -> Measured:
    """Measure how far pelvis, head, hands and feet get from their middle place (metres)."""
    return Measured(value=track.sway_metres, passed=track.sway_metres <= max_metres)


def dance(track: Track, *, min_speed: float = 0.15) -> Measured:
    """Measure the mean speed of the slower foot (metres a second) while dancing on the spot.

    Hands must move as well, and the way must turn or wind: a walk goes as far as its way is long.
    """
    feet = [float(_speeds(track, f"{side}_foot", "").mean()) for side in BOTH_SIDES]
    hands = [float(_speeds(track, f"{side}_wrist", "pelvis").mean()) for side in BOTH_SIDES]
    turns = float(np.ptp(track.yaw)) > _DANCING_TURN
    winds = turns or track.travel_metres <= _WINDING * max(track.path_metres, 0.1)
    passed = min(feet) >= min_speed and sum(hands) / 2 >= _DANCING_HANDS and winds
    return Measured(value=min(feet), passed=passed)


def lies(track: Track, *, min_seconds: float = 0.5) -> Measured:
    """Measure the longest time with head and pelvis close to the floor (seconds)."""
    low = (track.at("head")[:, 1] < 0.5) & (track.at("pelvis")[:, 1] < 0.4)
    seconds = longest_run(low) / track.fps
    return Measured(value=seconds, passed=seconds >= min_seconds)


def on_floor(track: Track, *, max_metres: float = 0.06) -> Measured:
    """Measure how far the lowest foot joint usually is from where a sole on the floor has it."""
    names = ("left_ankle", "right_ankle", "left_foot", "right_foot")
    lowest = np.stack([track.at(name)[:, 1] for name in names]).min(0)
    metres = float(np.median(np.abs(lowest - SOLE_TO_FOOT)))
    return Measured(value=metres, passed=metres <= max_metres)


SOLE_TO_FOOT = 0.03
"""Height of the foot joints (balls of the feet) of a standing body, metres."""

CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        travel, turn, spin, faces, speed, hand_raised, touch, wave, raises, kick, punch, strike,
        jump, sit, crouch, bow, still, dance, lies, on_floor, lasts,
    )
}  # fmt: skip
"""The checks by the name they have in prompt suites."""


def evaluate_checks(motion: Motion, expectations: Sequence[Expectation]) -> list[CheckResult]:
    """Check a motion.

    Raises:
        ConfigError: An expectation names an unknown check or setting.
    """
    track = Track.of(motion)
    return [_evaluate(track, expectation) for expectation in expectations]


def validate_expectation(expectation: Expectation) -> None:
    """Check the names of an expectation without a motion.

    Raises:
        ConfigError: It names an unknown check or setting.
    """
    if expectation.check == "order":
        for step in expectation.steps:
            validate_expectation(step)
        return
    if expectation.check not in CHECKS:
        raise ConfigError(f"unknown check '{expectation.check}'; known are {sorted(CHECKS)}")
    known = list(inspect.signature(CHECKS[expectation.check]).parameters)[1:]
    unknown = sorted(set(expectation.settings) - set(known))
    if unknown:
        raise ConfigError(f"the check '{expectation.check}' has {known}, not {unknown}")


def _evaluate(track: Track, expectation: Expectation) -> CheckResult:
    validate_expectation(expectation)
    if expectation.check == "order":
        passed = _in_order(track, expectation.steps)
        return CheckResult(expectation=str(expectation), value=float(passed), passed=passed)
    settings: dict[str, Any] = dict(expectation.settings)
    found = CHECKS[expectation.check](track, **settings)
    return CheckResult(expectation=str(expectation), value=found.value, passed=found.passed)


def _in_order(track: Track, steps: Sequence[Expectation]) -> bool:
    """Find a place that parts the motion so that the first step passes before, the others after."""
    if len(steps) == 1:
        return _evaluate(track, steps[0]).passed
    count = len(track.joints)
    for share in _SPLITS:
        cut = round(share * count)
        if min(cut, count - cut) < _MIN_PIECE:
            continue
        if _evaluate(track.frames(0, cut), steps[0]).passed and _in_order(
            track.frames(cut, count), steps[1:]
        ):
            return True
    return False


def _times_up(track: Track, side: Side) -> int:
    """How often a hand is up for a while; short pauses do not part."""
    pause, least = (round(s * track.fps) for s in (_HELD_SECONDS, _RAISED_SECONDS))
    up = np.flatnonzero(track.hand_above_shoulder(side) > HEIGHTS["shoulder"])
    runs = np.split(up, np.flatnonzero(np.diff(up) > max(1, pause)) + 1)
    return sum(len(run) > 0 and int(run[-1] - run[0]) + 1 >= least for run in runs)


def _lift(track: Track, side: Side, above: str) -> float:
    """Height of a hand above the wanted height, held for a moment."""
    if above == "head":
        height = track.hand_above_head(side) - _ABOVE_HEAD
    elif above in HEIGHTS:
        height = track.hand_above_shoulder(side) - HEIGHTS[above]
    else:
        raise ConfigError(f"unknown height '{above}'; known are {[*HEIGHTS, 'head']}")
    frames = min(len(height), max(1, round(_HELD_SECONDS * track.fps)))
    return float(np.sort(height)[-frames])


def _by_side(values: Mapping[Side, float], wanted: str, least: float, *, only: bool) -> Measured:
    """Compare the values of the wanted side(s) with a least value, and of the other if ``only``."""
    sides = _sides(wanted)
    found = [values[side] for side in sides]
    value = max(found) if wanted == "any" else min(found)
    others = [values[side] for side in BOTH_SIDES if side not in sides]
    passed = value >= least and not (only and any(other >= least for other in others))
    return Measured(value=value, passed=passed)


def _sides(wanted: str) -> tuple[Side, ...]:
    _one_of("side", wanted, (*BOTH_SIDES, "both", "any"))
    return tuple(side for side in BOTH_SIDES if wanted in (side, "both", "any"))


def _speeds(track: Track, joint: str, against: str) -> Floats:
    """Speeds of a joint from frame to frame, over the floor or against another joint."""
    base = track.at(against) if against else np.zeros(3)
    way = np.diff(track.at(joint) - base, axis=0)
    speeds = np.linalg.norm(way, axis=1) * track.fps
    return np.asarray(speeds if len(speeds) else np.zeros(1))


def _hand_speed(track: Track, side: Side) -> float:
    return float(np.percentile(_speeds(track, f"{side}_wrist", "pelvis"), 98))


def _degrees_between(first: float, second: float) -> float:
    return abs((first - second + 180.0) % 360.0 - 180.0)


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ConfigError(f"unknown {name} '{value}'; known are {list(known)}")
