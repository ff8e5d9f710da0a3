"""``motion plan`` with a tiny untrained model and a tiny text encoder."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_checkpoints import write_checkpoint
from made_weights import make_e5_file

from motion.cli import main
from motion.conditioners.baking import CACHE_VARIABLE, bake_folder
from motion.conditioners.e5 import MULTILINGUAL_E5_SMALL, bake_e5

SCENE = "a kitchen with a table; a cup is on the table"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("plans")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder / "cache"))
        bake_folder(MULTILINGUAL_E5_SMALL.folder, lambda f: bake_e5(make_e5_file()[0], f))
        write_checkpoint(folder / "release")
        yield folder / "release"


def plan(checkpoint: Path, *words: str) -> int:
    return main(["plan", "--checkpoint", str(checkpoint), *words])


def test_steps_are_printed_one_a_line(checkpoint: Path, capsys: pytest.CaptureFixture[str]):
    assert plan(checkpoint, "--scene", SCENE, "--task", "drink from the cup") == 0
    lines = capsys.readouterr().out.splitlines()
    steps = [line for line in lines if not line.startswith("note: ")]
    assert [line.split()[0] for line in steps] == [f"{n}." for n in range(1, len(steps) + 1)]
    assert any("not trained to plan" in line for line in lines)


def test_json_holds_the_whole_plan(checkpoint: Path, capsys: pytest.CaptureFixture[str]):
    steps = "1. walk to the table 2. pick up the cup"
    words = ["--steps", steps, "--want", "next_task", "--scene", SCENE, "--seed", "4", "--json"]
    assert plan(checkpoint, *words, "--history", "rest", "--thinking", "on") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["want"] == "next_task"
    assert found["steps"] == ["walk to the table", "pick up the cup"]
    assert found["task"] == found["text"]
    assert (found["scene"], found["seed"], found["num_thought_tokens"]) == (SCENE, 4, 0)
    assert found["attempts"] >= 1
    assert isinstance(found["warnings"], list)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "for the steps give a task to take apart"),
        (["--scene", ""], "the scene has no words"),
        (["--task", "/think"], "the task has no words"),
        (["--task", "walk " * 300], "1500 characters, at most 1000"),
        (["--steps", "1. a 2. b 4. c", "--want", "summary"], "numbered 1, 2, 3"),
        (["--task", "walk", "--thinking-budget", "-1"], "whole number of tokens from 0"),
        (["--task", "walk", "--seed", "-1"], "the seed must lie in"),
        (["--task", "walk", "--checkpoint", "no/such/folder"], "no/such/folder"),
    ],
)
def test_impossible_requests(words: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert main(["plan", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("motion: error: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err


@pytest.mark.parametrize("words", [["--want", "cake"], ["--thinking", "maybe"]])
def test_unknown_choices_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_:
        main(["plan", "--task", "walk", *words])
    assert exit_.value.code == 2
    assert "invalid choice" in capsys.readouterr().err
