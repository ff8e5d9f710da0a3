"""The shared stock of nouns: places, things and people, and the classes they are of."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


def read_table(name: str) -> dict[str, Any]:
    """Read one of the tables beside this file."""
    return dict(yaml.safe_load((FOLDER / name).read_text("utf-8")))


@dataclass(frozen=True, kw_only=True)
class Stock:
    """All nouns."""

    places: dict[str, str]
    """Place -> the word before it when something is there: on, in, at."""
    things: tuple[str, ...]
    people: tuple[str, ...]
    classes: dict[str, frozenset[str]]

    def is_a(self, noun: str, kind: str | list[str]) -> bool:
        """Whether a noun is of a class or of a list of nouns."""
        return noun in (self.classes[kind] if isinstance(kind, str) else kind)

    def knows(self, noun: str) -> bool:
        """Whether it is a noun of the stock."""
        return noun in self.classes["any"]

    def at(self, place: str) -> str:
        """The word before a place when something is there."""
        return self.places.get(place, "on" if place == "floor" else "at")


@cache
def stock() -> Stock:
    """Read the stock."""
    table = read_table("stock.yaml")
    places, things, people = table["places"], tuple(table["things"]), tuple(table["people"])
    named = table["classes"]
    classes = {
        name: frozenset(noun for entry in entries for noun in named.get(entry, [entry]))
        for name, entries in named.items()
    }
    classes |= {"any_place": frozenset(places), "people": frozenset(people)}
    classes["any"] = frozenset((*places, *things, *people))
    return Stock(places=places, things=things, people=people, classes=classes)
