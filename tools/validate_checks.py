"""Print how often each programmatic check passes on labelled captures.

    python tools/validate_checks.py /data/prepared/bandai /data/prepared/cmu /data/prepared/cc0

A check is good when at least 90 % of the clips whose label says so pass it and at most 10 % of the
others. Labels are Bandai Namco's content, CMU's description and the name of a CC0 animation.
Contents that may show the action without saying so (dances turn, goodbyes wave) are left out.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motion.data import PreparedCorpus
from motion.data.captioning.measures import Track
from motion.evaluate.check_grammar import parse_expectation
from motion.evaluate.checks import CHECKS, validate_expectation

LABELS = {"bandai": "content", "cmu": "description", "cc0": "name"}
WALKS = ("walk", "walk-turn-left", "walk-turn-right", "walk-left", "walk-right")
RUNS = ("run", "dash")
ARMS = ("raise-up-left-hand", "raise-up-right-hand", "raise-up-both-hands", "wave-left-hand",
        "wave-right-hand", "wave-both-hands", "respond")  # fmt: skip
ONE_TAKE = ("dance-short", "dance-long", "kick", "punch", "slash")
GESTURES = ("bye", "byebye", "guide", "call")
JUMPS = ("forward jump", "jump", "Jump_Full_Short", "Jump_Full_Long", "Victory",
         "Jumping Jacks", "playground - forward jumps, turn around")  # fmt: skip
SEATS = ("Sitting_Idle_Loop", "Sitting_Talking_Loop", "Driving_Loop", "sit on stepstool, stand up",
         "Idle_Loop + Sitting_Enter + Sitting_Idle_Loop", "Meditate",
         "Idle_Loop + Sitting_Enter + Sitting_Idle_Loop + Sitting_Exit + Idle_Loop",
         "Sitting_Idle_Loop + Sitting_Exit + Idle_Loop")  # fmt: skip
OTHERS = ("walk", "run", "run/jog", "salsa dance", "slow walk")
"""CMU descriptions that serve as counter-examples beside all of Bandai Namco's contents."""


@dataclass(frozen=True)
class Case:
    """A check with the labels that must and those that may pass."""

    check: Mapping[str, str | float | bool]
    true: Sequence[str]
    either: Sequence[str] = ()
    min_seconds: float = 0.0
    """Shorter clips are left out: leftovers of dance trials are a second of standing."""


def _sided(
    name: str, key: str, side: str, **more: str | float | bool
) -> dict[str, str | float | bool]:
    return {"check": name, key: side, **more}


CASES = (
    Case({"check": "travel", "direction": "forward", "min_metres": 1.0},
         ("walk", "run", "dash", "run/jog", "slow walk", "Walk_Loop", "Jog_Fwd_Loop"),
         (*WALKS, *ONE_TAKE, "salsa dance")),
    Case({"check": "travel", "direction": "backward", "min_metres": 1.0},
         ("walk-back", "Walking_Backwards"), (*ONE_TAKE, "salsa dance")),
    Case({"check": "travel", "direction": "forward_left", "min_metres": 1.0},
         ("walk-left",), ("walk-turn-left", *ONE_TAKE, "salsa dance")),
    Case({"check": "travel", "direction": "forward_right", "min_metres": 1.0},
         ("walk-right",), ("walk-turn-right", *ONE_TAKE, "salsa dance")),
    Case({"check": "travel", "direction": "left", "min_metres": 0.7}, ("Idle + Dodge_Left",)),
    Case({"check": "travel", "direction": "right", "min_metres": 0.7}, ("Idle + Dodge_Right",)),
    Case({"check": "travel", "max_metres": 0.5}, (*ARMS, "bow", "bye", "byebye"),
         (*GESTURES, *ONE_TAKE, "salsa dance")),
    Case(_sided("turn", "direction", "left"), ("walk-turn-left",), (*ONE_TAKE, "salsa dance")),
    Case(_sided("turn", "direction", "right"), ("walk-turn-right",), (*ONE_TAKE, "salsa dance")),
    Case(_sided("spin", "direction", "right"),
         ("2H_Melee_Attack_Spin", "2H_Melee_Attack_Spinning"),
         (*ONE_TAKE, "salsa dance")),
    Case({"check": "speed", "min_speed": 1.6}, RUNS, (*ONE_TAKE, "run/jog")),
    Case({"check": "speed", "min_speed": 0.4, "max_speed": 2.0}, (*WALKS, "walk-back"),
         (*ONE_TAKE, *RUNS, "salsa dance", "slow walk")),
    Case(_sided("hand_raised", "hand", "left", only=True),
         ("raise-up-left-hand", "wave-left-hand", "respond"),
         (*ONE_TAKE, *GESTURES, "salsa dance")),
    Case(_sided("hand_raised", "hand", "right", only=True),
         ("raise-up-right-hand", "wave-right-hand"), (*ONE_TAKE, *GESTURES, "salsa dance")),
    Case(_sided("hand_raised", "hand", "both"), ("raise-up-both-hands", "wave-both-hands"),
         (*ONE_TAKE, *GESTURES, "salsa dance", *RUNS)),
    Case(_sided("wave", "hand", "left"), ("wave-left-hand",),
         (*ONE_TAKE, *GESTURES, "salsa dance")),
    Case(_sided("wave", "hand", "right"), ("wave-right-hand", "Greeting"),
         (*ONE_TAKE, *GESTURES, "salsa dance")),
    Case(_sided("wave", "hand", "both"), ("wave-both-hands",),
         (*ONE_TAKE, *GESTURES, "salsa dance")),
    # Pieces of the roundhouse and side kick trials may lie between two kicks.
    Case({"check": "kick"},
         ("kick", "Front Kick", "Unarmed_Idle + Unarmed_Melee_Attack_Kick + Unarmed_Idle"),
         (*ONE_TAKE,)),
    Case({"check": "punch"}, ("punch", "boxing", "Punch_Enter + Punch_Jab + Punch_Jab",
         "Punch_Enter + Punch_Cross + Punch_Cross", "Oiduki"), (*ONE_TAKE, "salsa dance")),
    Case({"check": "strike"}, ("slash", "punch", "Throw", "Throw Object", "1H_Melee_Attack_Chop",
         "2H_Melee_Attack_Chop"), (*ONE_TAKE, *ARMS, *GESTURES, "salsa dance")),
    Case({"check": "jump"}, JUMPS, (*ONE_TAKE,)),
    Case({"check": "sit"}, SEATS, ()),
    Case({"check": "crouch", "min_seconds": 1.0},
         ("Crouch_Idle_Loop", "Crouch_Fwd_Loop"), (*ONE_TAKE,)),
    Case({"check": "bow"}, ("bow", "Bow"), (*ONE_TAKE, "call", "guide")),
    Case({"check": "dance"}, ("dance-short", "salsa dance", "Dance Charleston"), (*ONE_TAKE,),
         min_seconds=2.0),
    Case({"check": "lies"}, ("Sleeping", "Crawl RM", "Pushup"), ()),
    Case({"check": "still"}, ("Idle_Loop", "Pistol_Idle_Loop", "Sitting_Idle_Loop",
         "Idle Listening"),
         ("byebye",)),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+", type=Path, help="folders made by 'motion prepare'")
    tracks: dict[str, list[Track]] = {}
    bandai: set[str] = set()
    for folder in parser.parse_args(arguments).corpora:
        corpus = PreparedCorpus.load(folder)
        for index, clip in enumerate(corpus.clips):
            label = clip.labels[LABELS[corpus.name]]
            # The same word in two corpora ("walk", "run") means the same.
            tracks.setdefault(label, []).append(Track.of(corpus.motion(index)))
            if corpus.name == "bandai":
                bandai.add(label)
    print("| check | true clips | pass | other clips | pass | good |\n|---|---|---|---|---|---|")
    for case in CASES:
        print(_row(case, tracks, sorted(bandai | set(OTHERS))))


def _row(case: Case, tracks: Mapping[str, list[Track]], counter_labels: Sequence[str]) -> str:
    expectation = parse_expectation(dict(case.check), "validate_checks")
    validate_expectation(expectation)
    check, settings = CHECKS[expectation.check], dict(expectation.settings)
    excluded = {*case.true, *case.either}
    true = [t for label in case.true for t in tracks.get(label, ())]
    true = [track for track in true if track.seconds >= case.min_seconds]
    other = [t for label in counter_labels if label not in excluded for t in tracks.get(label, ())]
    shares = [
        sum(check(track, **settings).passed for track in group) / len(group) if group else math.nan
        for group in (true, other)
    ]
    good = "yes" if shares[0] >= 0.9 and shares[1] <= 0.1 else "NO"
    passes = f"{len(true)} | {shares[0]:.1%} | {len(other)} | {shares[1]:.1%}"
    return f"| {expectation} | {passes} | {good} |"


if __name__ == "__main__":
    main()
