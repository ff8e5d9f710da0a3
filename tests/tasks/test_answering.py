"""Questions in, texts out, through a tiny real release."""

import pytest
import torch
from made_checkpoints import write_checkpoint, write_encoder
from made_motions import make_walk

from motion.generate import MotionGenerator
from motion.tasks.answering import (
    LONGEST_PAYLOAD,
    Answerer,
    Question,
    as_read,
    payload_pieces,
)
from motion.tasks.prompts import Prompt, make_prompt


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> MotionGenerator:
    folder = tmp_path_factory.mktemp("release")
    write_checkpoint(folder)
    return MotionGenerator.from_pretrained(folder, text_encoder=write_encoder(folder / "encoder"))


@pytest.fixture(scope="module")
def answerer(generator: MotionGenerator) -> Answerer:
    return generator.answerer


def ask(task: str = "decompose_task", text: str = "a walk", **changes) -> Question:
    return Question(prompt=make_prompt(task, {"task": text}), **{"max_tokens": 8, **changes})


def test_each_answer_is_as_if_asked_alone(generator: MotionGenerator, answerer: Answerer):
    motion = generator.codes_of(make_walk(40))
    questions = [
        ask(),
        ask(text="walks and waves, then walks again", thinking_budget=5),
        Question(prompt=make_prompt("motion_to_text"), motion=motion, max_tokens=6),
        ask("estimate_scene", temperature=1.0, seed=7),
    ]
    together = answerer.answer(questions)
    for answer, question in zip(together, questions, strict=True):
        alone = answerer.answer([question])[0]
        assert (answer.text, answer.thought) == (alone.text, alone.thought)
        assert answer.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-4)
    assert together[0].num_thought_tokens == 0
    assert together[1].num_thought_tokens <= 5
    assert together[2].thought == ""


def test_likelihoods_in_a_batch_are_as_if_alone(answerer: Answerer):
    question, answers = ask(), ["walks", "a person waves and walks"]
    both = answerer.log_likelihoods([question, question], answers)
    alone = [answerer.log_likelihoods([question], [answer])[0] for answer in answers]
    assert both == pytest.approx(alone, abs=1e-4)
    assert both[0] != both[1]
    assert max(both) < 0


def test_motions_count(generator: MotionGenerator, answerer: Answerer):
    motion = generator.codes_of(make_walk(40))
    first, second = (
        Question(prompt=make_prompt("motion_to_text"), motion=codes)
        for codes in (motion, (motion + 1) % 12)
    )
    told = answerer.log_likelihoods([first, second], ["a person walks"] * 2)
    assert told[0] != pytest.approx(told[1], abs=1e-6)


def test_other_letters_come_through_the_text_encoder():
    english = make_prompt("decompose_task", {"task": "make tea"})
    assert as_read(english) is english
    chinese = make_prompt("decompose_task", {"task": "泡茶"})
    read = as_read(chinese)
    assert read.payload == ""
    assert "泡茶" in read.instruction
    assert read.instruction.endswith("[Response]")


def test_of_a_long_payload_the_end_is_read(answerer: Answerer):
    payload = "walk " * 2000
    pieces = payload_pieces(answerer.text_pieces, payload)
    assert len(pieces) == LONGEST_PAYLOAD
    assert answerer.text_of(pieces).endswith("[Response]")
    prompt = Prompt(task="decompose_task", instruction="split", payload=payload)
    assert answerer.answer([Question(prompt=prompt, max_tokens=2)])[0].num_tokens <= 2


def test_no_token_at_all_is_an_empty_answer(answerer: Answerer):
    answer = answerer.answer([ask(max_tokens=0, thinking_budget=3)])[0]
    assert (answer.text, answer.num_tokens, answer.finished) == ("", 0, False)


def test_absent_parts_stay_absent(generator: MotionGenerator):
    codes = generator.codes_of(make_walk(31))
    assert codes.shape == (6, len(generator.language.model.vocabulary.streams))
    assert not torch.any(codes < 0)
