"""Steps in the wording of captions."""

import pytest

from motion.generate.step_prompts import step_prompt


@pytest.mark.parametrize(
    ("step", "prompt"),
    [
        ("pick up the cup with the left hand", "a person picks up the cup with the left hand"),
        ("Wave with both hands", "a person waves with both hands"),
        ("carry the box to the door", "a person carries the box to the door"),
        ("push the cart to the wall", "a person pushes the cart to the wall"),
        ("nod", "a person nods"),
        ("a person walks", "a person walks"),
        ("someone sits down", "someone sits down"),
        ("人は歩く", "人は歩く"),
        ("", ""),
    ],
)
def test_only_the_grammars_imperatives_change(step: str, prompt: str):
    assert step_prompt(step) == prompt
