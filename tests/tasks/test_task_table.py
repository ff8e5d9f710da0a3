"""The table of tasks: complete, consistent, and refusing what a task does not read."""

import pytest

from motion.errors import RequestError
from motion.tasks.task_table import MOTION_FIELDS, TASKS, TEXT_FIELDS


def test_every_skill_of_the_ancestors_is_there():
    assert list(TASKS) == [
        *("text_to_motion", "music_to_motion", "speech_to_motion", "motion_to_text"),
        *("motion_prediction", "motion_inbetweening", "plan_next_task", "plan_next_steps"),
        *("decompose_task", "summarize_steps", "estimate_scene"),
    ]
    assert all(name == task.name for name, task in TASKS.items())


def test_fields_are_known_and_fill_one_input():
    for task in TASKS.values():
        assert len(set(task.reads)) == len(task.reads) >= 1
        for known in task.reads:
            assert set(known) <= {*TEXT_FIELDS, *MOTION_FIELDS}
            assert len(set(known) & set(TEXT_FIELDS) - {"scene"}) <= 1


def test_only_planning_thinks_and_it_writes_text():
    thinking = {name for name, task in TASKS.items() if task.thinks}
    assert thinking == {"plan_next_task", "plan_next_steps", "decompose_task"}
    assert all(TASKS[name].writes == "text" for name in thinking)


def test_what_a_task_reads_passes_in_any_order():
    for task in TASKS.values():
        for known in task.reads:
            task.check(known)
            task.check(known[::-1])
        for known in task.reads_texts:
            task.check_texts(known[::-1])


@pytest.mark.parametrize(
    ("task", "fields", "message"),
    [
        ("plan_next_task", ("task",), "reads scene + task or scene + steps, got task"),
        ("plan_next_steps", (), "reads scene + task or scene + steps, got nothing"),
        ("plan_next_steps", ("scene", "task", "steps"), "got scene + task + steps"),
        ("motion_inbetweening", ("starting",), "reads starting + ending, got starting"),
        ("music_to_motion", ("caption",), "music_to_motion reads no text, got caption"),
    ],
)
def test_other_fields_are_refused(task: str, fields: tuple[str, ...], message: str):
    with pytest.raises(RequestError) as caught:
        TASKS[task].check(fields)
    assert message in str(caught.value)


@pytest.mark.parametrize(("task", "field"), [("motion_to_text", "motion"), ("decompose_task", "")])
def test_motions_are_no_texts(task: str, field: str):
    with pytest.raises(RequestError, match=f"{task} reads .* got {field or 'nothing'}"):
        TASKS[task].check_texts([field] if field else [])
