"""Examples of text tasks: round trip through their file, and broken lines."""

import json
from pathlib import Path
from types import MappingProxyType

import pytest

from motion.errors import DataError, OutputError
from motion.tasks.examples import TaskExample, read_examples, write_examples
from motion.tasks.prompts import make_prompt

EXAMPLES = [
    TaskExample(
        task="plan_next_task",
        fields={"scene": "une cuisine, 台所", "task": "make tea"},
        answer='sit\u2028down\x85and "drink"',
        thought="The tea is ready.\r\nSo: drink.",
        group="kitchen",
    ),
    TaskExample(task="motion_to_text", fields={}, answer="a person bows"),
]
GOOD = '{"task": "decompose_task", "fields": {"task": "bow"}, "answer": "1. bow"}'


def test_examples_come_back_as_they_were(tmp_path: Path):
    path = tmp_path / "plans" / "train.jsonl"
    write_examples(EXAMPLES, path)
    assert read_examples(path) == EXAMPLES
    lines = path.read_bytes().decode("utf-8").rstrip("\n").split("\n")
    assert len(lines) == 2
    assert json.loads(lines[0])["fields"]["scene"] == "une cuisine, 台所"
    assert "台所" in lines[0]


def test_examples_make_prompts(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(GOOD + "\n", "utf-8")
    (example,) = read_examples(path)
    assert (example.thought, example.group) == (None, "")
    assert make_prompt(example.task, example.fields).payload == "[Input] bow\n"


def test_fields_may_be_any_mapping(tmp_path: Path):
    fields = MappingProxyType({"task": "bow"})
    write_examples(
        [TaskExample(task="estimate_scene", fields=fields, answer="a hall")], tmp_path / "a.jsonl"
    )
    assert read_examples(tmp_path / "a.jsonl")[0].fields == {"task": "bow"}


def test_an_empty_file_has_no_examples(tmp_path: Path):
    write_examples([], tmp_path / "none.jsonl")
    assert read_examples(tmp_path / "none.jsonl") == []


def test_a_missing_file_says_how_to_make_it(tmp_path: Path):
    with pytest.raises(DataError, match=r"no examples in .*val.jsonl; make them with 'motion"):
        read_examples(tmp_path / "val.jsonl")


def test_a_file_in_the_way_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match=r"cannot write .*it is a folder"):
        write_examples(EXAMPLES, tmp_path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[1, 2]", "expected an object whose 'fields' are texts by name"),
        ('{"task": "decompose_task", "answer": "1. bow"}', "whose 'fields' are"),
        ('{"task": "decompose_task", "fields": null, "answer": "1. bow"}', "whose 'fields' are"),
        ('{"fields": {"task": "bow"}, "answer": "1. bow"}', "task"),
        (
            GOOD.replace("}}", '}, "mood": "glad"}').replace('"1. bow"}', '"1", "mood": "x"}'),
            "mood",
        ),
        (GOOD.replace('"1. bow"', "7"), "'answer' must be a text, got 7"),
        (GOOD.replace('"bow"', "null"), "'task' must be a text, got None"),
        (GOOD.replace('"1. bow"', '"1. bow", "thought": 3'), "'thought' must be a text, got 3"),
        (GOOD.replace("decompose_task", "juggle"), "there is no task 'juggle'"),
        (GOOD.replace('"task": "bow"', '"steps": "1. bow"'), "decompose_task reads task or "),
    ],
)
def test_a_broken_line_is_named_with_its_reason(tmp_path: Path, line: str, reason: str):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{GOOD}\n{line}\n{GOOD}\n", "utf-8")
    with pytest.raises(DataError) as caught:
        read_examples(path)
    assert f"{path}, line 2: not an example of a task: " in str(caught.value)
    assert reason in str(caught.value)


def test_bytes_that_are_no_text_are_named(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD.encode() + b'\n{"task": "\xff"}\n')
    with pytest.raises(DataError, match="line 2: not an example of a task"):
        read_examples(path)
