import pytest

from motion.data.mirroring import swap_left_right


@pytest.mark.parametrize(
    ("text", "mirrored"),
    [
        ("a person waves the left hand.", "a person waves the right hand."),
        ("Left, then right", "Right, then left"),
        ("turns counter-clockwise", "turns clockwise"),
        ("turns clockwise to the rightwards", "turns counterclockwise to the leftwards"),
        ("sits down right away, all right", "sits down right away, all right"),
        ("a left-handed throw", "a right-handed throw"),
        ("an upright, bright person", "an upright, bright person"),
    ],
)
def test_sides_change_places(text, mirrored):
    assert swap_left_right(text) == mirrored
    assert swap_left_right(swap_left_right(text)).replace("counterclockwise", "") == text.replace(
        "counter-clockwise", ""
    ).replace("counterclockwise", "")
