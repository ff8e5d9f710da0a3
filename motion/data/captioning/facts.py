"""What a motion shows by measurement, as actions for the phrase tables.

A fact is only told when the labels make it sensible (a gait for walks and runs, hand heights for
raised hands) and the measurement is well inside its class; between classes nothing is said.
"""

import math
from collections.abc import Iterator

from motion.data.captioning.measures import BOTH_SIDES, Track
from motion.data.captioning.tables import Action

WALKS = frozenset(
    {"walk", "walk_any", "walk_back", "walk_diagonal", "walk_turn", "march", "trudge"}
)
RUNS = frozenset({"run", "run_any", "dash"})
RAISES = frozenset({"raise_hand", "wave", "respond", "bye", "byebye", "cheer"})
RAISES_BOTH = frozenset({"raise_both", "wave_both", "cheer_both", "bye", "byebye"})
BOWS = frozenset({"bow", "bow_palms"})
JUMPS = frozenset({"jump", "jump_forward", "jump_place", "jump_high"})
KICKS = frozenset({"kick", "karate"})
GREETINGS = frozenset({"bye", "byebye"})

_HAND_UP = -0.28
"""Wrist above the shoulder, metres: a hanging hand is at -0.4, one shown at the waist at -0.2."""

_HAND_GAP = 0.1
"""One hand is meant when it goes up so much higher than the other."""

_STRAIGHT = math.radians(20)
_MIN_TRAVEL = 1.5
_STRAIGHT_SHARE = 0.9
_HIGHEST_SLOW_WALK, _LOWEST_FAST_WALK = 0.8, 1.5
_HIGHEST_SLOW_RUN, _LOWEST_FAST_RUN = 2.2, 3.5
"""Metres a second; the tenths of Bandai Namco's walks and runs lie about there."""

_SHOULDER_BAND = (-0.15, 0.1)
_HIGH_ABOVE_HEAD = 0.1
_DEEP_BOW, _SLIGHT_BOW = math.radians(55), math.radians(32)
_HIGH_JUMP = 0.4
_MIN_JUMP_WAY, _MAX_PLACE = 0.7, 0.25
_MIN_KICK, _MAX_OTHER_KICK = 0.5, 0.2
_STILL_METRES = 0.1
_MIN_STILL_SECONDS = 1.5
_MIN_WAVES = 4


def raised_hands(track: Track) -> str:
    """Tell which hand goes up: left, right, both or none."""
    left, right = (float(track.hand_above_shoulder(side).max()) for side in BOTH_SIDES)
    if max(left, right) < _HAND_UP:
        return "none"
    if min(left, right) >= _HAND_UP and abs(left - right) < _HAND_GAP:
        return "both"
    if abs(left - right) < _HAND_GAP:
        return "none"
    return "left" if left > right else "right"


def measured_actions(track: Track, named: frozenset[str]) -> tuple[Action, ...]:
    """List what is measured and fits the actions that the labels name.

    Args:
        track: The measured motion.
        named: Names of the actions that labels give; empty for a corpus without labels.
    """
    facts: list[Action] = []
    if named & WALKS or (not named and 0.4 < track.speed < 1.9):
        facts += _gait(track, "walk")
    if named & RUNS or (not named and track.speed > 2.4):
        facts += _gait(track, "run")
    if named & (RAISES | RAISES_BOTH) or not named:
        facts += _hands(track, named)
    if named & BOWS:
        facts += _bow(track)
    if named & JUMPS or not named:
        facts += _jumps(track)
    if named & KICKS or not named:
        facts += _kick(track)
    if named <= {"stand_idle", "stand_still"}:
        facts += _standing(track)
    return tuple(fact for fact in dict.fromkeys(facts) if fact.name not in named)


def _gait(track: Track, gait: str) -> Iterator[Action]:
    if track.path_metres < _MIN_TRAVEL:
        return
    yield from _pace(track, gait)
    turn = math.degrees(track.turn)
    side = "left" if turn > 0 else "right"
    if abs(track.turn) < _STRAIGHT:
        yield from _straight(track, gait)
    elif 30 < abs(turn) < 60:
        yield Action(name=f"{gait}_curve", side=side)
    elif 75 < abs(turn) < 110:
        names = ("walk_turn", "walk_turn_quarter") if gait == "walk" else ("run_turn",)
        yield from (Action(name=name, side=side) for name in names)
    elif 160 < abs(turn) < 200 and gait == "walk":
        yield Action(name="walk_turn_half", side=side)


def _straight(track: Track, gait: str) -> Iterator[Action]:
    """Direction and distance of a way without a turn."""
    if track.travel_metres < _STRAIGHT_SHARE * track.path_metres:
        return
    angle = math.degrees(track.travel_angle)
    side = "left" if angle > 0 else "right"
    metres = round(track.travel_metres)
    if abs(angle) < 20:
        yield Action(name=gait)
        yield Action(name=f"{gait}_far", number=metres)
    elif gait == "walk" and abs(angle) > 155:
        yield Action(name="walk_back")
        yield Action(name="walk_back_far", number=metres)
    elif gait == "walk" and 70 < abs(angle) < 110:
        yield Action(name="step_side", side=side)
    elif gait == "walk" and 25 < abs(angle) < 60:
        yield Action(name="walk_diagonal", side=side)


def _pace(track: Track, gait: str) -> Iterator[Action]:
    forward = track.body_way()[1] > _STRAIGHT_SHARE * track.path_metres
    slow, fast = (
        (_HIGHEST_SLOW_WALK, _LOWEST_FAST_WALK)
        if gait == "walk"
        else (_HIGHEST_SLOW_RUN, _LOWEST_FAST_RUN)
    )
    if forward and track.speed < slow:
        yield Action(name=f"{gait}_slow")
    elif forward and track.speed > fast:
        yield Action(name=f"{gait}_fast")


def _hands(track: Track, named: frozenset[str]) -> Iterator[Action]:
    """How high hands go, and which hand waves goodbye."""
    side = raised_hands(track)
    if side == "none" or track.travel_metres > 0.5:
        return
    shown = BOTH_SIDES if side == "both" else tuple(s for s in BOTH_SIDES if s == side)
    over_head = min(float(track.hand_above_head(s).max()) for s in shown)
    lifts = [float(track.hand_above_shoulder(s).max()) for s in shown]
    name = "raise_both" if side == "both" else "raise_hand"
    if over_head > _HIGH_ABOVE_HEAD:
        yield Action(name=f"{name}_high", side=side)
    elif all(_SHOULDER_BAND[0] < lift < _SHOULDER_BAND[1] for lift in lifts):
        yield Action(name=f"{name}_shoulder", side=side)
    swings = min(track.wave_swings(s) for s in shown)
    if (named & GREETINGS or not named) and swings >= _MIN_WAVES:
        yield Action(name="wave_both") if side == "both" else Action(name="wave", side=side)


def _bow(track: Track) -> Iterator[Action]:
    lean = float(track.pitch.max())
    if lean > _DEEP_BOW:
        yield Action(name="bow_deep")
    elif math.radians(15) < lean < _SLIGHT_BOW:
        yield Action(name="bow_slight")


def _jumps(track: Track) -> Iterator[Action]:
    if not track.jumps:
        return
    yield Action(name="jump")
    if track.jumps > 1:
        yield Action(name="jump_many", number=track.jumps)
    if track.jump_metres > _HIGH_JUMP:
        yield Action(name="jump_high")
    if track.path_metres < _MAX_PLACE:
        yield Action(name="jump_place")
    elif track.travel[1] > _MIN_JUMP_WAY and abs(track.turn) < _STRAIGHT:
        yield Action(name="jump_forward")


def _kick(track: Track) -> Iterator[Action]:
    left, right = (track.kick_reach(side) for side in BOTH_SIDES)
    if max(left, right) > _MIN_KICK and min(left, right) < _MAX_OTHER_KICK:
        yield Action(name="kick_side", side="left" if left > right else "right")


def _standing(track: Track) -> Iterator[Action]:
    """Turns on the spot, sitting, crouching, or nothing at all."""
    if track.path_metres > 1.0:
        return
    turn = math.degrees(track.turn)
    side = "left" if turn > 0 else "right"
    for low, high, name in ((75, 110, "quarter"), (160, 200, "half"), (330, 390, "full")):
        if low < abs(turn) < high:
            yield Action(name=f"turn_{name}", side=side)
    if track.seated.mean() > 0.9:
        yield Action(name="sit")
    if track.crouching.mean() > 0.9:
        yield Action(name="crouch")
    if track.sway_metres < _STILL_METRES and track.seconds > _MIN_STILL_SECONDS:
        upright = not (track.seated.any() or track.crouching.any())
        if upright and abs(float(track.pitch.mean())) < math.radians(30):
            yield Action(name="stand_still")
