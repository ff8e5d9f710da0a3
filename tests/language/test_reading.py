"""Answers in words: writing against teacher forcing, padding, motions in prompts."""

import pytest
import torch
from made_models import make_language_model
from made_questions import make_prompt

from motion.errors import RequestError
from motion.language import (
    DecodingEngine,
    EngineConfig,
    TextWriter,
    WritingRequest,
    read_and_answer,
)

EXACT = EngineConfig(precision="float32")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(2)
    return make_language_model()


@pytest.fixture(scope="module")
def writer(model):
    return TextWriter(DecodingEngine(model, EXACT))


def test_greedy_writing_is_what_teacher_forcing_predicts(model, writer):
    torch.manual_seed(0)
    prompt = make_prompt(model)
    written = writer.write(prompt, [WritingRequest(max_tokens=8)] * 2)
    for row, writing in enumerate(written):
        tokens = torch.tensor([writing.answer])
        with torch.no_grad():
            logits = read_and_answer(
                model, prompt.rows([row]), tokens, torch.ones_like(tokens).bool()
            ).answer[0]
        ids = model.vocabulary.special_ids
        logits[:, [v for name, v in ids.items() if name != "<end>"]] = -torch.inf
        assert logits.argmax(-1).tolist() == writing.answer


def test_each_answer_is_written_as_if_alone(model, writer):
    torch.manual_seed(1)
    prompt = make_prompt(model)
    for temperature in (0.0, 1.0):
        requests = [
            WritingRequest(max_tokens=7, temperature=temperature, seed=3),
            WritingRequest(
                max_tokens=5, temperature=temperature, seed=9, thinks=True, thinking_budget=4
            ),
        ]
        together = writer.write(prompt, requests)
        for row, request in enumerate(requests):
            alone = writer.write(prompt.rows([row]), [request])[0]
            assert (together[row].answer, together[row].thought) == (alone.answer, alone.thought)


@pytest.mark.parametrize("budget", [0, 1, 5])
def test_budgets_are_hard(model, writer, budget: int):
    torch.manual_seed(4)
    prompt = make_prompt(model, payload=(5,), motion=(0,))
    for max_tokens in (0, 1, 6):
        request = WritingRequest(max_tokens=max_tokens, thinks=True, thinking_budget=budget)
        writing = writer.write(prompt, [request])[0]
        assert len(writing.thought) <= budget
        assert len(writing.answer) <= max_tokens
        assert writing.done or len(writing.answer) == max_tokens
        special = model.vocabulary.num_text_pieces
        assert all(token < special for token in writing.thought + writing.answer)


def test_what_motions_and_payloads_say_counts_but_padding_does_not(model):
    torch.manual_seed(6)
    prompt = make_prompt(model, payload=(6,), motion=(5,))
    tokens = torch.tensor([[3, 9, 4]])
    mask = torch.ones(1, 3, dtype=torch.bool)

    def logits(changed) -> torch.Tensor:
        with torch.no_grad():
            return read_and_answer(model, changed, tokens, mask).answer

    first = logits(prompt)
    for name in ("motion", "payload"):
        values = getattr(prompt, name)
        other = type(prompt)(**{**vars(prompt), name: (values + 1) % 12})
        assert not torch.allclose(first, logits(other))
        padded = torch.nn.functional.pad(
            values.transpose(0, 1), [0] * 2 * (values.dim() - 1) + [0, 2]
        )
        longer = padded.transpose(0, 1)
        wide = torch.nn.functional.pad(getattr(prompt, f"{name}_mask"), [0, 2])
        same = type(prompt)(**{**vars(prompt), name: longer, f"{name}_mask": wide})
        assert torch.allclose(first, logits(same), atol=1e-5)


def test_payloads_are_predicted_from_left_to_right(model):
    torch.manual_seed(8)
    prompt = make_prompt(model, payload=(6,), motion=(0,))
    tokens, mask = torch.tensor([[3, 9]]), torch.ones(1, 2, dtype=torch.bool)
    with torch.no_grad():
        first = read_and_answer(model, prompt, tokens, mask).payload
        changed = prompt.payload.clone()
        changed[:, 4] = (changed[:, 4] + 1) % 300
        other = type(prompt)(**{**vars(prompt), "payload": changed})
        second = read_and_answer(model, other, tokens, mask).payload
    assert torch.allclose(first[:, :4], second[:, :4], atol=1e-5)
    assert not torch.allclose(first[:, 4:], second[:, 4:])


def test_requests_are_checked(model, writer):
    with pytest.raises(RequestError, match="max_tokens must lie between 0"):
        WritingRequest(max_tokens=-1)
    with pytest.raises(RequestError, match="thinking_budget"):
        WritingRequest(thinking_budget=10**6)
    with pytest.raises(RequestError, match="2 questions for 1 requests"):
        writer.write(make_prompt(model), [WritingRequest()])
