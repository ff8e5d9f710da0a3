"""Backbones of every family: step by step as at once, batches as single runs, long motions."""

from dataclasses import replace

import pytest
import torch
from made_models import make_condition, make_language_model
from made_questions import PIECES, make_prompt

from motion.errors import RequestError
from motion.language import (
    BackboneConfig,
    DecodingEngine,
    EngineConfig,
    MotionLanguageModel,
    SamplingConfig,
    StepRequest,
    TextWriter,
    WritingRequest,
    build_backbone,
    read_and_answer,
)

GREEDY = SamplingConfig(temperature=0.0, guidance=1.0)
EXACT = EngineConfig(precision="float32")


@pytest.fixture(scope="module", params=["tiny", "tiny-llama", "tiny-gpt2", "tiny-t5"])
def model(request) -> MotionLanguageModel:
    torch.manual_seed(3)
    made = make_language_model(backbone=BackboneConfig(source=request.param))
    torch.nn.init.normal_(made.goal.weight, std=0.1)
    return made


def led(steps: int, ending: int = 3, **more: object) -> StepRequest:
    """A gap of some steps before an ending."""
    codes = torch.arange(4 * ending).reshape(ending, 4) % 12
    return StepRequest(num_steps=steps, ending=codes, goal=torch.arange(6) / 6, **more)


def test_greedy_steps_are_what_teacher_forcing_predicts(model):
    condition = make_condition(1)
    codes = DecodingEngine(model, EXACT).generate(condition, [StepRequest(num_steps=9)], GREEDY)[0]
    with torch.no_grad():
        logits = model(codes[None], torch.ones(1, 9, dtype=torch.bool), condition)
    for stream, values in enumerate(logits.codes):
        assert torch.equal(values[0].argmax(-1), codes[:, stream])


def test_a_batch_is_its_single_runs(model):
    condition = make_condition(3)
    condition = replace(condition, mask=torch.arange(5) < torch.tensor([[5], [2], [4]]))
    requests = [StepRequest(num_steps=4, seed=1), led(7), led(5, ending=2, seed=2)]
    for sampling in (SamplingConfig(temperature=0.0, guidance=2.5), SamplingConfig(guidance=1.0)):
        engine = DecodingEngine(model, EXACT)
        together = engine.generate(condition, requests, sampling)
        for row, request in enumerate(requests):
            alone = engine.generate(condition.rows([row]), [request], sampling)[0]
            assert torch.equal(together[row], alone)


def test_the_text_reaches_every_step_and_the_future_none(model):
    codes, mask = torch.randint(0, 12, (1, 6, 4)), torch.ones(1, 6, dtype=torch.bool)
    condition, other = make_condition(1), make_condition(1)
    other = replace(other, pooled=condition.pooled)  # only the states of the prompt differ
    changed = codes.clone()
    changed[:, 3:] = (changed[:, 3:] + 1) % 12
    with torch.no_grad():
        base = model(codes, mask, condition).codes[0]
        text = model(codes, mask, other).codes[0]
        later = model(changed, mask, condition).codes[0]
    assert ((base - text).abs().amax(-1) > 1e-5).all()
    torch.testing.assert_close(base[:, :4], later[:, :4], atol=1e-5, rtol=0)
    assert (base[:, 4:] - later[:, 4:]).abs().max() > 1e-5


def test_what_is_hidden_in_a_prompt_leaves_no_trace(model):
    """Also where everything is hidden, as training does at times."""
    condition = make_condition(2, 6)
    hidden = torch.tensor([[True, False, True, True, False, False], [False] * 6])
    other = replace(make_condition(2, 6), pooled=condition.pooled)
    states = torch.where(hidden[..., None], condition.embedding, other.embedding)
    codes, mask = torch.randint(0, 12, (2, 5, 4)), torch.ones(2, 5, dtype=torch.bool)
    with torch.no_grad():
        first = model(codes, mask, replace(condition, mask=hidden)).codes[0]
        second = model(codes, mask, replace(condition, mask=hidden, embedding=states)).codes[0]
        shorter = condition.rows([0])
        kept = hidden[0].nonzero()[:, 0]
        shorter = replace(shorter, embedding=shorter.embedding[:, kept], mask=shorter.mask[:, kept])
        alone = model(codes[:1], mask[:1], shorter).codes[0]
    assert torch.isfinite(first).all()
    torch.testing.assert_close(first, second, atol=1e-5, rtol=0)
    torch.testing.assert_close(first[:1], alone, atol=1e-5, rtol=0)


def test_a_motion_is_continued(model):
    condition, engine = make_condition(1), DecodingEngine(model, EXACT)
    whole = engine.generate(condition, [StepRequest(num_steps=9)], GREEDY)[0]
    rest = StepRequest(num_steps=5, before=whole[:4])
    assert torch.equal(engine.generate(condition, [rest], GREEDY)[0], whole[4:])


def test_long_motions_let_go_of_their_oldest_steps(model):
    """After a refill the model sees the prompt and the kept steps, and nothing else."""
    config = EngineConfig(precision="float32", context_steps=10, kept_steps=5)
    condition = make_condition(1)
    codes = DecodingEngine(model, config).generate(condition, [StepRequest(num_steps=23)], GREEDY)
    assert codes[0].shape == (23, 4)
    hidden = []
    with torch.no_grad():
        pooled = model.pooled_condition(condition)
        steps = model.embed_steps(model.step_vectors(codes[0][None]), torch.ones(1, 1, 4) > 0)
        steps = torch.cat([model.start.expand(1, 1, -1), steps[:, :-1]], dim=1)
        clock = model.clock_features(torch.arange(23)[None], torch.tensor([[23]]))
        steps = steps + model.clock(clock) + model.pooled(pooled)[:, None]
        prompt, mask = model.motion_prompt(condition)
        for first, stop in ((0, 10), (6, 16), (12, 22), (18, 23)):  # refills at 10, 16, 22
            seen = steps[:, first:stop]
            states = model.respond(prompt, mask, seen, torch.ones(1, stop - first) > 0)[1]
            hidden.append(states[:, (0 if first == 0 else 4) :])
        logits = model.head(
            torch.cat(hidden, dim=1),
            pooled[:, None],
            model.step_vectors(codes[0][None]),
            torch.ones(1, 1, 4) > 0,
            torch.zeros(1, 1, model.hidden_size),
        )
    for stream, values in enumerate(logits):
        assert torch.equal(values[0].argmax(-1), codes[0][:, stream])


def test_words_are_written_as_teacher_forcing_predicts(model):
    def fresh(answer, token) -> bool:
        return token < PIECES and token not in answer

    prompt = make_prompt(model)
    requests = [WritingRequest(max_tokens=9, allowed=fresh)] * 2
    written = TextWriter(DecodingEngine(model, EXACT)).write(prompt, requests)
    answer = torch.tensor([row.answer for row in written])
    with torch.no_grad():
        logits = read_and_answer(model, prompt, answer, torch.ones(2, 9, dtype=torch.bool)).answer
    for place in range(9):
        allowed = logits[:, place, :PIECES].scatter(1, answer[:, :place], -torch.inf)
        assert torch.equal(allowed.argmax(-1), answer[:, place])


def test_questions_of_a_batch_are_answered_as_if_alone(model):
    prompt = make_prompt(model, payload=(9, 3, 6), motion=(4, 0, 7))
    requests = [WritingRequest(max_tokens=6, temperature=t, seed=1) for t in (0.0, 0.8, 0.0)]
    writer = TextWriter(DecodingEngine(model, EXACT))
    together = writer.write(prompt, requests)
    for row, request in enumerate(requests):
        alone = writer.write(prompt.rows([row]), [request])[0]
        assert alone.answer == together[row].answer
        assert alone.log_likelihood == pytest.approx(together[row].log_likelihood, abs=1e-4)


def test_positions_that_gpt2_never_learned_are_refused():
    model = make_language_model(backbone=BackboneConfig(source="tiny-gpt2"))
    writer = TextWriter(DecodingEngine(model, EXACT))
    with pytest.raises(RequestError, match=r"1024 positions.* fewer tokens"):
        writer.write(make_prompt(model, (5,), (0,)), [WritingRequest(max_tokens=1100)])
    with pytest.raises(RequestError, match="1024 positions, prompt and response need 1030"):
        model.run_backbone(torch.zeros(1, 1030, 32), torch.ones(1, 1030, dtype=torch.bool))


def test_presets_of_one_size_are_of_one_size():
    """Outside the embeddings; only their shapes are made, not their weights."""
    counts = []
    for source in ("small", "small-llama", "small-gpt2", "small-t5"):
        with torch.device("meta"):
            model = build_backbone(BackboneConfig(source=source), PIECES)
        layers = {
            n: p for n, p in model.named_parameters() if p.ndim == 2 and PIECES not in p.shape
        }
        counts.append(sum(p.numel() for n, p in layers.items() if "wpe" not in n))
    assert max(counts) < 1.01 * min(counts)
    assert 10.5e6 < min(counts) < 10.7e6
