"""Actions that a step may ask for: their wordings, needs and effects; steps read and written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from motion.tasks.planning.stock import read_table, stock
from motion.tasks.planning.wording import Wording, plain

_REMEMBERED = 4096
"""Texts whose reading is kept: the same steps come again and again."""
POSTURES: tuple[str, ...] = ("standing", "sitting", "lying", "kneeling")


@dataclass(frozen=True, kw_only=True)
class ActionKind:
    """One action of the table."""

    name: str
    say: tuple[Wording, ...]
    """Wordings; the first one is written."""
    slots: Mapping[str, Any] = field(default_factory=dict)
    """Slot of a noun -> class or list of nouns that it must be of."""
    posture: tuple[str, ...] = ("standing",)
    """Postures in which it can be done."""
    at: str | None = None
    """Slot of the place, thing or person that one must be at."""
    at_class: str | list[str] | None = None
    """Class of place that one must be at."""
    hold: str | None = None
    """Slot of the thing that must be in the hand."""
    holds_class: str | list[str] | None = None
    """Class of thing that must be in a hand."""
    free: str | None = None
    """Which hands must be free: ``hand`` (the one named), ``one``, ``both``."""
    then: str | None = None
    """What it changes."""

    @property
    def needs_hand(self) -> bool:
        """Whether the wording must name a hand."""
        return "hand" in self.say[0].slots and "hand" not in self.say[0].optional


@dataclass(frozen=True)
class Action:
    """One step: an action and the values of its slots."""

    name: str
    values: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, slot: str) -> str | None:
        """Value of a slot, or None."""
        return dict(self.values).get(slot)

    @property
    def kind(self) -> ActionKind:
        """Its entry in the table."""
        return actions()[self.name]

    def changed(self, **values: str | None) -> "Action":
        """The same with other values; None takes one away."""
        return act(self.name, **(dict(self.values) | values))

    def write(self, wording: int = 0) -> str:
        """The step in words.

        Args:
            wording: Which of its wordings, counted around.
        """
        values = dict(self.values)
        if "place" in values:
            values["on"] = stock().at(values["place"])
        say = self.kind.say
        return say[wording % len(say)].write(values)


def act(name: str, **values: str | None) -> Action:
    """Build an action; slots without a value are left out."""
    given = {slot: value for slot, value in values.items() if value is not None}
    return Action(name, tuple(sorted(given.items())))


@cache
def actions() -> dict[str, ActionKind]:
    """Every action, by name."""
    return {name: _kind(name, entry) for name, entry in read_table("actions.yaml").items()}


def _kind(name: str, entry: dict[str, Any]) -> ActionKind:
    posture = entry.pop("posture", "standing")
    if posture == "any":
        posture = list(POSTURES)
    return ActionKind(
        name=name,
        say=tuple(Wording(pattern) for pattern in entry.pop("say")),
        posture=(posture,) if isinstance(posture, str) else tuple(posture),
        **entry,
    )


@lru_cache(maxsize=_REMEMBERED)
def parse_step(text: str) -> Action | None:
    """Read a step; None if no action of the table is worded like this."""
    text = plain(text)
    for kind in actions().values():
        for wording in kind.say:
            values = wording.read(text)
            if values is None:
                continue
            values.pop("on", None)
            nouns = ((slot, value) for slot, value in values.items() if slot in kind.slots)
            if all(stock().is_a(noun, kind.slots[slot]) for slot, noun in nouns):
                return act(kind.name, **values)
    return None
