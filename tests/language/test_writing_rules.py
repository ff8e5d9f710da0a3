"""Rules on tokens: what they let through is drawn as the model would draw it."""

from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from made_models import make_condition, make_language_model

from motion.language import DecodingEngine, TextPrompt, TextWriter, WritingRequest
from motion.language.writing import RULE_TRIES, TokenRule, Writing

MODEL = make_language_model()
END = MODEL.vocabulary.special_ids["<end>"]
torch.manual_seed(0)
CONDITION = make_condition(1)
WRITER = TextWriter(DecodingEngine(MODEL))


def write(rule: TokenRule | None, count: int = 1, **changes: object) -> list[Writing]:
    streams = len(MODEL.vocabulary.streams)
    prompt = TextPrompt(
        condition=CONDITION.rows(torch.zeros(count, dtype=torch.long)),
        motion=torch.zeros(count, 0, streams, dtype=torch.long),
        motion_mask=torch.zeros(count, 0, dtype=torch.bool),
        payload=torch.arange(4).expand(count, 4),
        payload_mask=torch.ones(count, 4, dtype=torch.bool),
    )
    requests = [
        WritingRequest(**{"seed": i, "max_tokens": 6, "allowed": rule, **changes})
        for i in range(count)
    ]
    return WRITER.write(prompt, requests)


def first_logits() -> torch.Tensor:
    """Logits of the text pieces at the start of the answer."""
    found: list[torch.Tensor] = []
    mix = MODEL.copying.forward

    def noted(*given: object) -> torch.Tensor:
        found.append(mix(*given))
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODEL.copying, "forward", noted)
        write(None, max_tokens=1)
    return found[0][0, 0, : MODEL.config.num_text_pieces]


def test_a_rule_that_allows_all_changes_nothing():
    for temperature in (0.0, 1.0):
        free, ruled = (
            write(rule, count=2, temperature=temperature) for rule in (None, lambda *_: True)
        )
        assert [row.answer for row in free] == [row.answer for row in ruled]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_only_allowed_tokens_come(temperature: float):
    def every_other(answer: Sequence[int], token: int) -> bool:
        return token != END and token % 2 == len(answer) % 2

    for row in write(every_other, count=3, temperature=temperature):
        assert [token % 2 for token in row.answer] == [0, 1] * 3
        assert not row.finished


def test_the_likeliest_allowed_token_comes():
    free = write(None, max_tokens=1)[0].answer[0]
    ruled = write(lambda _, token: token != free, max_tokens=1)[0].answer[0]
    assert [free, ruled] == first_logits().topk(2).indices.tolist()


def test_rare_tokens_are_found_beyond_the_likeliest():
    asked: list[int] = []

    def last_one(answer: Sequence[int], token: int) -> bool:
        asked.append(token)
        return token == (END if len(answer) == 2 else 7)

    (row,) = write(last_one)
    assert row.answer == [7, 7]
    assert row.finished
    assert len(asked) <= 3 * (MODEL.vocabulary.num_backbone_rows + RULE_TRIES)


def test_refusing_everything_ends_the_answer():
    (row,) = write(lambda *_: False)
    assert row.answer == []
    assert row.finished


def test_draws_follow_the_shares_among_the_allowed():
    kept = (3, 4, 5)
    made = write(lambda _, token: token in kept, 400, max_tokens=1, temperature=0.3)
    counts = Counter(row.answer[0] for row in made)
    shares = torch.softmax(first_logits()[list(kept)] / 0.3, dim=0).tolist()
    assert set(counts) <= set(kept)
    for token, share in zip(kept, shares, strict=True):
        assert counts[token] / 400 == pytest.approx(share, abs=0.08)  # over three deviations


def test_thoughts_are_free():
    def nothing_but_end(answer: Sequence[int], token: int) -> bool:
        return token == END

    (row,) = write(nothing_but_end, thinks=True, thinking_budget=4)
    assert len(row.thought) in range(5)
    assert row.answer == []
    assert row.finished
