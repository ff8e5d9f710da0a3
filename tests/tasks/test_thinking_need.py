"""The need for thought: measured on examples, kept in a file."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from motion.errors import DataError, WeightsError
from motion.tasks.examples import TaskExample
from motion.tasks.thinking import ThinkingNeed
from motion.tasks.thinking_need import LEAST_PER_BIN, NEED_FILE, load_need, measure_need, save_need


def count_words(text: str) -> int:
    return len(text.split())


def example(payload: int, thought: int | None, task: str = "decompose_task") -> TaskExample:
    """An example whose payload, ``[Input]`` included, and thought have so many words."""
    return TaskExample(
        task=task,
        fields={"task": " ".join(["go"] * (payload - 1))},
        answer="1. go",
        thought=None if thought is None else " ".join(["so"] * thought),
    )


def test_the_estimate_is_the_quantile_of_each_size():
    short = [example(5, thought) for thought in range(1, LEAST_PER_BIN + 1)]
    long = [example(9, 10 * thought) for thought in range(1, LEAST_PER_BIN + 1)]
    found = measure_need([*long, *short], count_words).tasks["decompose_task"]
    assert found.payload_tokens == (5, 9)
    assert found.thought_tokens == (95, 950)
    assert found.longest == 1000


def test_few_examples_share_one_bin():
    found = measure_need([example(5, 3), example(50, 8)], count_words).tasks["decompose_task"]
    assert (found.payload_tokens, found.thought_tokens, found.longest) == ((50,), (8,), 8)


def test_equal_payloads_share_one_bin():
    found = measure_need([example(7, i % 50) for i in range(1000)], count_words)
    assert found.tasks["decompose_task"].payload_tokens == (7,)
    assert found.tasks["decompose_task"].thought_tokens == (47,)


def test_most_thoughts_keep_to_their_estimate_in_every_bin():
    examples = [example(5 + i % 40, 1 + (i * 7919) % (10 + i % 40)) for i in range(4000)]
    need = measure_need(examples, count_words).tasks["decompose_task"]
    assert len(need.payload_tokens) == 6
    kept = [
        count_words(e.thought or "") <= need.estimate(1 + count_words(e.fields["task"]))
        for e in examples
    ]
    assert 0.95 <= sum(kept) / len(kept) <= 0.97


def test_examples_without_thoughts_say_nothing():
    mixed = [example(5, 3), example(5, None), replace(example(5, None), task="estimate_scene")]
    assert list(measure_need(mixed, count_words).tasks) == ["decompose_task"]
    with pytest.raises(DataError, match="none of the examples has a thought"):
        measure_need([example(5, None)], count_words)


def test_an_empty_thought_is_a_thought_of_no_tokens():
    found = measure_need([example(5, 0)], count_words).tasks["decompose_task"]
    assert (found.thought_tokens, found.longest) == ((0,), 0)


def test_a_need_comes_back_as_it_was(tmp_path: Path):
    measured = measure_need([example(5 + i % 9, i % 31) for i in range(900)], count_words)
    need = replace(measured, not_worse=("decompose_task",))
    save_need(need, tmp_path / "language")
    assert load_need(tmp_path / "language") == need
    assert (
        yaml.safe_load((tmp_path / "language" / NEED_FILE).read_text("utf-8"))["quantile"] == 0.95
    )


def test_a_model_without_the_file_has_no_thoughts(tmp_path: Path):
    assert load_need(tmp_path) == ThinkingNeed()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "tasks: {}",
        "tasks: [1]\nnot_worse: []",
        "tasks: {decompose_task: 5}\nnot_worse: []",
        "tasks: {decompose_task: {payload_tokens: [3, 2], thought_tokens: [1, 1], longest: 1}}\n"
        "not_worse: []",
        "tasks: {decompose_task: {payload_tokens: [x], thought_tokens: [1], longest: 1}}\n"
        "not_worse: []",
        "tasks: {juggle: {payload_tokens: [3], thought_tokens: [1], longest: 1}}\nnot_worse: []",
        "tasks: {}\nnot_worse: 3",
        "tasks: {}\nnot_worse: []\nmood: glad",
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str):
    (tmp_path / NEED_FILE).write_text(text, "utf-8")
    with pytest.raises(WeightsError, match=r"no usable record of thoughts in .*thinking_need"):
        load_need(tmp_path)
