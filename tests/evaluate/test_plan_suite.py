"""The planning suite with models that know the answers, or only those they thought about."""

import json
from collections.abc import Sequence

import pytest
import torch
from made_checkpoints import write_checkpoint, write_encoder

from motion.errors import RequestError
from motion.evaluate.paired import PairedScores, compare_systems
from motion.evaluate.plan_scores import PlanScore
from motion.evaluate.plan_suite import (
    BUDGETS,
    LANGUAGES,
    PRODUCT,
    RAW,
    SYSTEMS,
    PlanSuite,
    by_task,
    careless,
    choose_examples,
    described,
    not_worse,
)
from motion.generate import MotionGenerator
from motion.generate.planning import PlannerConfig
from motion.tasks.answering import Answer, Answerer, Question
from motion.tasks.examples import TaskExample
from motion.tasks.planning.days import make_examples
from motion.tasks.prompts import make_prompt
from motion.tasks.thinking import TaskNeed, ThinkingNeed

EXAMPLES = choose_examples(list(make_examples("test", 150, 0)), 7)
FEW = choose_examples(EXAMPLES, 2)
NEED = ThinkingNeed(
    tasks={
        name: TaskNeed(payload_tokens=(400,), thought_tokens=(20,), longest=40)
        for name in ("plan_next_task", "plan_next_steps", "decompose_task")
    }
)


class Knowing(Answerer):
    """Knows the answers to questions it has at least so many tokens of thought for."""

    def __init__(self, least_budget: int = 0, cut_is_wrong: int = 0) -> None:
        self.least_budget, self.cut_is_wrong = least_budget, cut_is_wrong
        self.known = {make_prompt(e.task, e.fields).payload + e.task: e.answer for e in EXAMPLES}
        self.asked: list[Question] = []

    def pieces_of(self, text: str) -> list[int]:
        return list(range(len(text.split())))

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked += questions
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        budget = question.thinking_budget
        cut = 0 < budget < self.cut_is_wrong
        right = self.known[question.prompt.payload + question.prompt.task]
        text = right if budget >= self.least_budget and not cut else "1. sneak forward in a crouch"
        return Answer(text=text, num_thought_tokens=budget, finished=True)


def suite_of(answerer: Answerer, examples: Sequence[TaskExample] = EXAMPLES) -> PlanSuite:
    return PlanSuite(
        answerer=answerer, need=NEED, examples=tuple(examples), progress=lambda _: None
    )


def share(found: object, *names: str) -> float:
    for name in (*names, "share"):
        assert isinstance(found, dict)
        found = found[name]
    assert isinstance(found, float)
    return found


def test_examples_are_spread_over_the_list():
    rows = list(make_examples("test", 150, 0))
    assert choose_examples(rows, 7) == EXAMPLES
    chosen = choose_examples(rows, 5)
    tasks = [example.task for example in chosen]
    assert {tasks.count(task) for task in tasks} == {5}
    places = [rows.index(e) for e in chosen if e.task == "decompose_task"]
    assert places[0] < 30
    assert places[-1] > 90


@pytest.mark.parametrize(
    ("examples", "count", "said"),
    [((), 3, "none of the examples is of a planning task"), (EXAMPLES, 0, "got 0")],
)
def test_no_examples_are_refused(examples: tuple[TaskExample, ...], count: int, said: str):
    with pytest.raises(RequestError, match=said):
        choose_examples(examples, count)


def test_who_knows_all_scores_everywhere():
    found = suite_of(Knowing(), FEW).systems()
    assert set(found) == {
        f"{system}, thinking {mode}" for system in SYSTEMS for mode in ("on", "off")
    }
    assert json.loads(json.dumps(found)) == found
    rows = found["raw, thinking off"]
    for task in ("plan_next_task", "plan_next_steps", "decompose_task", "summarize_steps"):
        for figure in ("parses", "executable", "goal", "sound", "exact"):
            assert share(rows, task, figure) == 1.0


def test_raw_answers_are_free_and_asked_once():
    knowing = Knowing(least_budget=99)
    suite_of(knowing).run(FEW, RAW, "off")
    assert len(knowing.asked) == len(FEW)
    assert all(question.grammar is None for question in knowing.asked)
    knowing.asked.clear()
    suite_of(knowing).run(FEW, PRODUCT, "off")
    assert len(knowing.asked) > len(FEW)
    assert all(question.grammar is not None for question in knowing.asked)


def test_budgets_are_kept_whole_or_cut():
    knowing = Knowing(cut_is_wrong=20)
    found = suite_of(knowing, FEW).budgets()
    whole, cut = found["whole or none"], found["cut off"]
    assert isinstance(whole, dict)
    assert list(whole) == ["0", "8", "16", "32", "64", "full"]
    for budget in whole:
        assert share(whole, budget, "decompose_task", "sound") == 1.0
        expected = 0.0 if budget in ("8", "16") else 1.0
        assert share(cut, budget, "decompose_task", "sound") == expected
    used = {label: row["decompose_task"]["thought_tokens"] for label, row in whole.items()}
    assert used == {"0": 0, "8": 0, "16": 0, "32": 32, "64": 40, "full": 40}
    assert len(BUDGETS) == 6


def test_cutting_begins_every_thought():
    assert careless(NEED).tasks["decompose_task"].estimate(10_000) == 0
    assert careless(NEED).tasks["decompose_task"].longest == 40


def test_auto_thinks_where_thoughts_help_and_not_where_they_harm():
    helped = suite_of(Knowing(least_budget=1)).thinking(RAW)
    assert set(helped) == set(NEED.tasks)
    assert all(result.winner == "thought" for result in helped.values())
    assert set(not_worse(helped)) == set(NEED.tasks)
    harmed = suite_of(Knowing(cut_is_wrong=1000)).thinking(RAW)
    assert not_worse(harmed) == ()
    assert set(not_worse(suite_of(Knowing()).thinking(RAW))) == set(NEED.tasks)
    assert json.loads(json.dumps(described(helped)))["plan_next_task"]["difference"] == 1.0


def test_small_gains_of_great_doubt_are_no_reason_to_think():
    first = [1.0, 0.0] * 10
    second = [0.0, 1.0] * 10
    second[0] = 1.0
    scores = PairedScores(
        metric="sound",
        better="higher",
        first=torch.tensor(first),
        second=torch.tensor(second),
        prompts=tuple(map(str, range(20))),
    )
    (result,) = compare_systems([scores])
    assert result.difference > 0
    assert not_worse({"decompose_task": result}) == ()


def test_too_few_scenes_decide_nothing():
    few = [example for example in EXAMPLES if example.task == "plan_next_task"][:3]
    assert suite_of(Knowing(), few).thinking(RAW) == {}


def test_instructions_are_worded_as_asked():
    knowing = Knowing()
    found = suite_of(knowing, FEW).wordings()
    assert {f"held-out {language}" for language in LANGUAGES} <= set(found)
    assert "held-out en 1" in found
    told = {q.prompt.instruction for q in knowing.asked if q.prompt.task == "plan_next_task"}
    assert len(told) == len(found)
    assert any("下一" in words or "接下来" in words for words in told)
    assert share(found, "held-out zh", "decompose_task", "sound") == 1.0


def test_kinds_of_questions_are_told_apart():
    scene = next(e for e in EXAMPLES if e.task == "decompose_task" and "scene" in e.fields)
    bare = TaskExample(task="decompose_task", fields={"task": "bow"}, answer="1. bow")
    scores = (PlanScore(parses=True, known=True), PlanScore(parses=True, known=True))
    done = suite_of(Knowing()).run([scene], RAW, "off")
    found = by_task([scene, bare], type(done)(scores=scores, cpu_seconds=3.0))
    assert set(found) == {
        "decompose_task",
        "decompose_task, no scene",
        "cpu_seconds_per_answer",
    }
    assert found["cpu_seconds_per_answer"] == 1.5


def test_an_untrained_model_is_measured_too(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("planning")
    write_checkpoint(folder / "release")
    encoder = write_encoder(folder / "encoder")
    generator = MotionGenerator.from_pretrained(folder / "release", text_encoder=encoder)
    config = PlannerConfig(max_tokens=12, retries=1)
    done = suite_of(generator.answerer).run(EXAMPLES[:3], config, "on")
    assert all(score.parses and score.known for score in done.scores)
    assert not any(score.sound for score in done.scores)
    assert done.cpu_seconds > 0
