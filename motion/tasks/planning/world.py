"""The world of a plan: where things are, what the person holds and does; needs and effects."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from motion.tasks.planning.actions import Action, act
from motion.tasks.planning.stock import stock

FLOOR = "floor"
"""Where a person is who is at none of the named places."""
_DEEPEST = 6
"""Insertions that one action may call for, one inside the other."""
_HANDS = {"left": ("left",), "right": ("right",), "both": ("left", "right")}


@dataclass(frozen=True, kw_only=True)
class State:
    """A person in a scene at one moment."""

    kind: str = ""
    """Name of the kind of scene; empty: unknown."""
    places: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    """Things and people, each with its place."""
    place: str = FLOOR
    """Where the person is."""
    posture: str = "standing"
    left: str | None = None
    """Thing in the left hand."""
    right: str | None = None
    open_world: bool = False
    """Without a scene: every noun of the stock is there, at a place of its own."""

    def location(self, noun: str) -> str | None:
        """Place of a place, thing or person; None if it is not there."""
        if self.holder(noun):
            return self.place
        found = dict(self.where).get(noun)
        if found is not None or noun == FLOOR:
            return found or noun
        return noun if noun in self.places or (self.open_world and stock().knows(noun)) else None

    def holder(self, noun: str | None) -> str | None:
        """Hand that holds a thing: left, right, both, or None."""
        hands = [hand for hand in ("left", "right") if noun and getattr(self, hand) == noun]
        return "both" if len(hands) == 2 else (hands[0] if hands else None)

    def is_free(self, hand: str) -> bool:
        """Whether a hand, or both, hold nothing."""
        return all(getattr(self, one) is None for one in _HANDS[hand])

    @property
    def held(self) -> tuple[str, ...]:
        """Things in the hands, each once."""
        return tuple(dict.fromkeys(thing for thing in (self.left, self.right) if thing))

    def nouns(self, kind: str | list[str]) -> tuple[str, ...]:
        """Nouns of a class that are here, in the order of the scene."""
        here = (*self.held, *(noun for noun, _ in self.where), *self.places)
        return tuple(dict.fromkeys(noun for noun in here if stock().is_a(noun, kind)))

    def moved(self, noun: str, place: str | None) -> tuple[tuple[str, str], ...]:
        """``where`` with one thing at another place, or nowhere."""
        rest = tuple(pair for pair in self.where if pair[0] != noun)
        return rest if place is None else (*rest, (noun, place))


@dataclass(frozen=True)
class Lack:
    """A need that the state does not fulfil."""

    what: str
    """unknown, hold, free, at, posture or hand."""
    noun: str = ""
    hand: str = ""

    def __str__(self) -> str:
        says = {
            "unknown": f"there is no {self.noun} here",
            "hold": f"the {self.noun} is not in the hand",
            "free": f"needs a free hand ({self.hand})",
            "at": f"is not at the {self.noun}",
            "posture": f"cannot be done while {self.noun}",
            "hand": f"the {self.noun} is not in the {self.hand} hand",
        }
        return says[self.what]


def lacks(state: State, action: Action) -> Iterable[Lack]:
    """What an action needs and the state lacks, in the order in which to get it."""
    kind = action.kind
    unknown = [
        noun
        for slot, noun in action.values
        if slot in kind.slots and state.location(noun) is None and noun not in state.held
    ]
    yield from (Lack("unknown", noun) for noun in unknown)
    if unknown:
        return
    yield from _lacking_things(state, action)
    yield from _lacking_hands(state, action)
    target = action[kind.at] if kind.at else None
    if target and state.location(target) != state.place:
        yield Lack("at", target)
    if kind.at_class and not stock().is_a(state.place, kind.at_class):
        names = sorted(noun for noun in stock().places if stock().is_a(noun, kind.at_class))
        yield Lack("at", " or ".join(names))
    if state.posture not in kind.posture:
        yield Lack("posture", state.posture)


def _lacking_things(state: State, action: Action) -> Iterable[Lack]:
    kind, hand = action.kind, action["hand"]
    thing = action[kind.hold] if kind.hold else None
    if thing and state.holder(thing) is None:
        yield Lack("hold", thing, hand or "")
    elif thing and hand and state.holder(thing) != hand:
        yield Lack("hand", thing, hand)
    if kind.holds_class:
        held = [thing for thing in state.held if stock().is_a(thing, kind.holds_class)]
        if not held:
            yield Lack(
                "hold", "thing for it" if isinstance(kind.holds_class, str) else kind.holds_class[0]
            )
        elif hand and state.holder(held[0]) != hand:
            yield Lack("hand", held[0], hand)
    if kind.then == "take" and state.holder(action["obj"]):
        yield Lack("hand", action["obj"] or "", "other")


def _lacking_hands(state: State, action: Action) -> Iterable[Lack]:
    kind = action.kind
    if kind.free == "both" and not state.is_free("both"):
        yield Lack("free", hand="both")
    if kind.free == "one" and not (state.is_free("left") or state.is_free("right")):
        yield Lack("free", hand="one")
    if kind.free == "hand":
        hand = action["hand"]
        thing = action["obj"] or ""
        if kind.then == "take" and stock().is_a(thing, "large"):
            if hand in ("left", "right"):
                yield Lack("hand", thing, "both")
            hand = "both"
        if hand and not state.is_free(hand):
            yield Lack("free", hand=hand)
        if hand is None and not (state.is_free("left") or state.is_free("right")):
            yield Lack("free", hand="one")


def perform(state: State, action: Action) -> State:
    """The state after an action whose needs are fulfilled."""
    effect = action.kind.then
    if effect in ("standing", "sitting", "lying", "kneeling"):
        return replace(state, posture=effect)
    if effect == "move":
        return replace(state, place=state.location(action["target"] or "") or FLOOR)
    if effect == "leave":
        return replace(state, place=FLOOR)
    if effect == "shove":
        place = state.location(action["target"] or "") or FLOOR
        return replace(state, place=place, where=state.moved(action["obj"] or "", place))
    return _handle(state, action) if effect else state


def _handle(state: State, action: Action) -> State:
    thing, effect = action["obj"] or "", action.kind.then
    if effect in ("take", "catch"):
        hand = "both" if effect == "catch" else action["hand"] or default_hand(state, thing)
        hands = dict.fromkeys(_HANDS[hand], thing)
        return replace(state, where=state.moved(thing, None), **hands)  # type: ignore[arg-type]
    target = {
        "put": action["place"],
        "drop": state.place,
        "give": state.location(action["person"] or "") or state.place,
        "consume": None,
    }[effect or ""]
    emptied = {one: None for one in ("left", "right") if getattr(state, one) == thing}
    return replace(state, where=state.moved(thing, target), **emptied)  # type: ignore[arg-type]


def default_hand(state: State, thing: str = "") -> str:
    """The hand that acts when none is named: the right one, or the left if only that is free."""
    if stock().is_a(thing, "large"):
        return "both"
    return "left" if state.right is not None and state.left is None else "right"


def steps_for(state: State, wanted: Action, depth: int = 0) -> tuple[list[Action], State] | None:
    """The action with all steps that it needs first, and the state after them.

    Returns:
        None if it cannot be done.
    """
    steps: list[Action] = []
    action = _with_hand(state, wanted)
    for _ in range(_DEEPEST):
        lack = next(iter(lacks(state, action)), None)
        if lack is None:
            return [*steps, action], perform(state, action)
        remedy = _remedy(state, action, lack)
        if remedy is None or depth >= _DEEPEST:
            return None
        found = steps_for(state, remedy, depth + 1)
        if found is None:
            return None
        steps += found[0]
        state = found[1]
        action = _with_hand(state, wanted)
    return None


def _with_hand(state: State, action: Action) -> Action:
    """Name the hand or leg where the wording wants one."""
    kind = action.kind
    if "leg" in kind.say[0].slots and action["leg"] is None:
        return action.changed(leg="right")
    thing = action[kind.hold] if kind.hold else None
    if kind.holds_class:
        thing = next((t for t in state.held if stock().is_a(t, kind.holds_class)), None)
    if thing and "hand" in kind.say[0].slots and action["hand"] is None:
        return action.changed(hand=state.holder(thing)) if state.holder(thing) else action
    if action["hand"] is None and (kind.needs_hand or kind.then == "take"):
        return action.changed(hand=default_hand(state, action["obj"] or ""))
    return action


def _remedy(state: State, action: Action, lack: Lack) -> Action | None:
    if lack.what == "hold" and stock().knows(lack.noun):
        return act("pick_up", obj=lack.noun, hand=lack.hand or None)
    if lack.what == "free":
        thing = (state.left if lack.hand == "left" else state.right) or state.left
        return act("put_down", obj=thing)
    if lack.what == "at" and " " not in lack.noun:
        place = state.location(lack.noun) or FLOOR
        is_thing = lack.noun in stock().things and place != FLOOR
        return walk(state, place if is_thing else lack.noun)
    if lack.what == "posture" and state.posture != "standing":
        return act("stand_up")
    return None


def walk(state: State, target: str) -> Action:
    """Walking somewhere, worded as carrying if both hands hold one thing."""
    if state.left is not None and state.left == state.right:
        return act("carry", obj=state.left, target=target)
    return act("walk", target=target)
