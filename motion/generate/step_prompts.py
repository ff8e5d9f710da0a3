"""Steps of plans as prompts of motions: plans use the imperative, captions the third person."""

import re
from functools import lru_cache

from motion.data.captioning.english import third_person
from motion.tasks.planning.actions import actions, parse_step

WAYS = {"walk": "a person walks forward", "run": "a person runs forward"}
"""Where somebody goes cannot be seen in a motion, but the words pull at it: told to walk to the
cup, the model drinks."""
_VERB = re.compile(r"[a-z]+")


def step_prompt(step: str) -> str:
    """``pick up the cup`` as ``a person picks up the cup``; what is no step stays as it is.

    Measured on 40 steps of validation plans: with it 4.5 instead of 4.7 of 40 steps are as near to
    the motion as its own one in the evaluator's space, by the motion's caption 8.0 instead of 9.0.
    """
    action = parse_step(step)
    if action is not None and action.kind.name in WAYS:
        return WAYS[action.kind.name]
    verb, _, rest = step.partition(" ")
    if verb.lower() not in _verbs():
        return step
    return " ".join(part for part in ("a person", third_person(verb.lower()), rest) if part)


@lru_cache(maxsize=1)
def _verbs() -> frozenset[str]:
    """Verbs with which steps of the grammar begin."""
    starts = (wording.pattern for kind in actions().values() for wording in kind.say)
    return frozenset(found[0] for text in starts if (found := _VERB.match(text)))
