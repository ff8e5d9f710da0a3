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
        ("walk to the cup", "a person walks forward"),
        ("go over to the door", "a person walks forward"),
        ("jog to the bench", "a person runs forward"),
        ("walk backward for three seconds", "a person walks backward for three seconds"),
        ("a person walks", "a person walks"),
        ("someone sits down", "someone sits down"),
        ("人は歩く", "人は歩く"),
        ("", ""),
    ],
)
def test_steps_become_captions(step: str, prompt: str):
    assert step_prompt(step) == prompt
