"""Steps that lead to an ending: the engine against teacher forcing, and what they rest on."""

import math

import pytest
import torch
from made_models import make_condition, make_language_model

from motion.errors import RequestError
from motion.language import (
    DecodingEngine,
    EngineConfig,
    Gap,
    SamplingConfig,
    StepRequest,
    goal_between,
    goal_features,
)
from motion.representation import RootState

GREEDY = SamplingConfig(temperature=0.0, guidance=1.0)
EXACT = EngineConfig(precision="float32")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(5)
    model = make_language_model()
    torch.nn.init.normal_(model.goal.weight)
    return model


def make_request(model, num_steps: int = 6, ending: int = 3, **changes) -> StepRequest:
    torch.manual_seed(11)
    streams = len(model.vocabulary.streams)
    given = {
        "before": torch.randint(12, (4, streams)),
        "ending": torch.randint(12, (ending, streams)),
        "goal": torch.tensor([0.5, 1.0, 0.4, 0.8, 0.0, 1.0]),
    }
    return StepRequest(num_steps=num_steps, **{**given, **changes})


def test_a_filled_gap_is_what_teacher_forcing_predicts(model):
    condition, request = make_condition(1), make_request(model)
    made = DecodingEngine(model, EXACT).generate(condition, [request], GREEDY)[0]
    whole = torch.cat([request.before, made])[None]
    gap = Gap(
        ending=request.ending[None],
        mask=torch.ones(1, 3, dtype=torch.bool),
        goal=request.goal[None],
    )
    with torch.no_grad():
        logits = model(whole, torch.ones(whole.shape[:2], dtype=torch.bool), condition, gap=gap)
    for stream, values in enumerate(logits.codes):
        assert torch.equal(values[0, 4:].argmax(-1), made[:, stream])


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_rows_with_and_without_an_ending_are_made_as_if_alone(model, guidance: float):
    condition = make_condition(3)
    requests = [
        make_request(model),
        StepRequest(num_steps=6, before=make_request(model).before),
        make_request(model, goal=torch.tensor([-1.0, 0.0, -0.8, 0.0, 0.0, 1.0])),
    ]
    sampling = SamplingConfig(temperature=0.0, guidance=guidance)
    engine = DecodingEngine(model, EXACT)
    together = engine.generate(condition, requests, sampling)
    for row, request in enumerate(requests):
        alone = engine.generate(condition.rows([row]), [request], sampling)[0]
        assert torch.equal(together[row], alone)


def test_ending_and_goal_count(model):
    condition = make_condition(1)
    with torch.no_grad():
        codes = torch.randint(12, (1, 5, len(model.vocabulary.streams)))
        mask = torch.ones(1, 5, dtype=torch.bool)

        def logits(ending: int, goal: float, *, there: bool = True) -> torch.Tensor:
            gap = Gap(
                ending=torch.full((1, 2, codes.shape[-1]), ending),
                mask=torch.full((1, 2), there),
                goal=torch.full((1, 6), goal),
            )
            return model(codes, mask, condition, gap=gap).codes[0]

        first = logits(3, 0.5)
        assert not torch.allclose(first, logits(4, 0.5))
        assert not torch.allclose(first, logits(3, 0.6))
        without = model(codes, mask, condition).codes[0]
        assert torch.allclose(logits(3, 0.5, there=False), without, atol=1e-5)


def test_an_ending_needs_its_goal(model):
    request = make_request(model, goal=None)
    with pytest.raises(RequestError, match="needs the goal of its gap"):
        DecodingEngine(model, EXACT).generate(make_condition(1), [request], GREEDY)


def test_goals_are_seen_from_the_start():
    quarter = math.pi / 2  # facing +x: the left side is at -z
    start = RootState(yaw=torch.tensor([quarter]), position=torch.tensor([[1.0, 1.0]]))
    end = RootState(yaw=torch.tensor([math.pi]), position=torch.tensor([[3.0, 0.0]]))
    goal = goal_between(start, end, 2.0)
    assert goal.tolist() == pytest.approx([1.0, 2.0, 0.5, 1.0, 1.0, 0.0], abs=1e-6)
    with pytest.raises(RequestError, match="length above 0"):
        goal_features(torch.zeros(2), 0.0, 0.0)
