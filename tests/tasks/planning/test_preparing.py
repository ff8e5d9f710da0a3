"""Examples and their files: distinct, short, seeded, and no question in two splits."""

from collections import Counter
from pathlib import Path

import pytest
from made_captions import clip, write

from motion.cli import main
from motion.tasks import TASKS, TaskExample, make_prompt, read_examples
from motion.tasks.planning.captions import FILES
from motion.tasks.planning.days import make_examples, question_of
from motion.tasks.planning.parsing import parse_steps
from motion.tasks.planning.preparing import HELD_OUT_SHARE, prepare_plans
from motion.tasks.planning.scenes import scene_kinds

SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def examples() -> list[TaskExample]:
    """Some of the training examples."""
    return list(make_examples("train", 600, seed=0))


def test_examples_are_distinct_and_of_the_split(examples: list[TaskExample]):
    assert len(examples) == 600
    assert len({(question_of(example), example.answer) for example in examples}) == 600
    assert {scene_kinds()[example.group].split for example in examples} == {"train"}
    assert len({example.group for example in examples}) >= 30


def test_examples_fill_their_prompts(examples: list[TaskExample]):
    counts = Counter(example.task for example in examples)
    assert set(counts) == {
        *("plan_next_task", "plan_next_steps", "decompose_task"),
        *("summarize_steps", "estimate_scene"),
    }
    for example in examples:
        assert make_prompt(example.task, example.fields).payload
        assert (example.thought is not None) == TASKS[example.task].thinks
        if example.task in ("plan_next_steps", "decompose_task"):
            assert parse_steps(example.answer)
    combinations = {(example.task, tuple(sorted(example.fields))) for example in examples}
    assert len(combinations) == 9


def test_examples_are_short(examples: list[TaskExample]):
    def mean(texts: list[str]) -> float:
        return sum(len(text.split()) for text in texts) / len(texts)

    thoughts = [example.thought for example in examples if example.thought]
    assert max(len(thought.split()) for thought in thoughts) <= 60
    assert mean(thoughts) <= 30
    assert mean([" ".join(example.fields.values()) for example in examples]) <= 45
    assert mean([example.answer for example in examples]) <= 30


def test_the_vocabulary_is_small(examples: list[TaskExample]):
    texts = (text for e in examples for text in (*e.fields.values(), e.answer, e.thought or ""))
    words = {word.strip(".,;:") for text in texts for word in text.split()}
    assert len(words) <= 600
    assert not [word for word in words if word != word.lower()]


def test_the_seed_decides(examples: list[TaskExample]):
    assert list(make_examples("train", 100, seed=0)) == examples[:100]
    assert list(make_examples("train", 100, seed=1)) != examples[:100]


def test_thoughts_say_how_things_stand_and_what_is_done():
    found = {example.task: example for example in make_examples("train", 60, seed=3)}
    decomposed = found["decompose_task"].thought or ""
    assert decomposed.startswith(("you ", "the "))
    assert " so " in decomposed
    assert found["plan_next_task"].answer in (found["plan_next_task"].thought or "")
    assert "next " in (found["plan_next_steps"].thought or "")


def test_the_command_writes_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    write(source, FILES[0], clip("1", "train", "a person walks and turns", "a man jumps high"))
    write(source, FILES[1], clip("2", "val", "a man kneels and bows", "a person walks and turns"))
    line = f"prepare plans --out {out} --source {source} --count 240 --seed 2"
    assert main(line.split()) == 0
    report = (out / "report.md").read_text("utf-8")
    assert capsys.readouterr().out == f"{report}\n"
    by_split = {split: read_examples(out / f"{split}.jsonl") for split in SPLITS}
    assert len(by_split["train"]) == 240
    assert 0.5 * 240 / HELD_OUT_SHARE < len(by_split["test"]) <= 240 / HELD_OUT_SHARE
    assert f"| all | {' | '.join(str(len(by_split[split])) for split in SPLITS)} |" in report
    assert "- distinct share of (task, fields, answer): 1.000" in report
    assert (out / "train_captions.txt").read_text("utf-8") == "a man jumps high\n"
    held_out = (out / "val_captions.txt").read_text("utf-8").splitlines()
    assert held_out == ["a person walks and turns", "a man kneels and bows"]
    assert sum(example.group == "kitml/2" for example in by_split["val"]) == 4
    questions = Counter(q for split in SPLITS for q in {question_of(e) for e in by_split[split]})
    assert max(questions.values()) == 1


def test_the_same_seed_writes_the_same_files_also_without_captions(tmp_path: Path):
    for name in ("a", "b"):
        prepare_plans(tmp_path / name, count=60, seed=5)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["report.md", "test.jsonl", "train.jsonl", "val.jsonl"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("count", [0, -3])
def test_there_must_be_examples(count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["prepare", "plans", "--out", str(tmp_path), "--count", str(count)]) == 2
    assert f"needs at least one example, got {count}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_source_without_captions_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    line = f"prepare plans --out {tmp_path / 'out'} --source {tmp_path}"
    assert main(line.split()) == 2
    assert "lacks humanml3d_captions.jsonl.gz and kitml_captions" in capsys.readouterr().err
