"""Low-rank updates of every family: trained, decoded with, and merged."""

from pathlib import Path

import pytest
import torch
from made_models import make_condition, make_language_model, make_tokenizer
from made_questions import make_prompt

from motion.generate import load_language_model, save_language_model
from motion.language import (
    BackboneConfig,
    DecodingEngine,
    EngineConfig,
    MotionLanguageModel,
    SamplingConfig,
    StepRequest,
    TextPrompt,
    merged_state,
    read_and_answer,
)
from motion.train.text_pieces import train_text_pieces

GREEDY = SamplingConfig(temperature=0.0, guidance=1.0)
MASK = torch.ones(1, 7, dtype=torch.bool)


@pytest.fixture(params=["tiny", "tiny-llama", "tiny-gpt2", "tiny-t5"])
def adapted(request) -> MotionLanguageModel:
    """With updates as large as after a training."""
    torch.manual_seed(0)
    backbone = BackboneConfig(source=request.param, lora_rank=2)
    model = make_language_model(make_tokenizer(), backbone=backbone)
    for name, update in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(update, std=0.2)
    return model


def words(model: MotionLanguageModel, prompt: TextPrompt) -> torch.Tensor:
    with torch.no_grad():
        return read_and_answer(model, prompt, torch.arange(7)[None], MASK).answer


def test_the_merged_model_computes_the_same(adapted):
    source = adapted.config.backbone.source
    plain = make_language_model(make_tokenizer(), backbone=BackboneConfig(source=source))
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    state = merged_state(adapted)
    assert set(state) == set(before)
    assert {n: v.shape for n, v in state.items()} == {n: v.shape for n, v in before.items()}
    plain.load_state_dict(state)
    codes, condition, prompt = (
        torch.randint(0, 12, (1, 7, 4)),
        make_condition(1),
        make_prompt(plain),
    )
    with torch.no_grad():
        one, other = adapted(codes, MASK, condition), plain(codes, MASK, condition)
    for found, expected in zip(one.codes, other.codes, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    prompt = make_prompt(plain).rows([0])
    torch.testing.assert_close(words(adapted, prompt), words(plain, prompt), atol=1e-5, rtol=1e-5)
    for name, update in adapted.named_parameters():  # the updates do count
        if ".lora_B." in name:
            update.data.zero_()
    with torch.no_grad():
        without = adapted(codes, MASK, condition)
    assert (without.codes[0] - one.codes[0]).abs().max() > 1e-3


def test_decoding_uses_the_updates_whether_merged_or_not(adapted, tmp_path: Path):
    condition, request = make_condition(1), StepRequest(num_steps=7)
    engine = DecodingEngine(adapted, EngineConfig(precision="float32"))
    codes = engine.generate(condition, [request], GREEDY)[0]
    with torch.no_grad():
        logits = adapted(codes[None], MASK, condition).codes
    for stream, values in enumerate(logits):
        assert torch.equal(values[0].argmax(-1), codes[:, stream])
    save_language_model(adapted, train_text_pieces(["walk"], 300), tmp_path)
    loaded = load_language_model(tmp_path).model
    assert not [name for name in loaded.state_dict() if "lora" in name or "base_layer" in name]
    with torch.no_grad():
        stored = loaded(codes[None], MASK, condition).codes
    for found, expected in zip(stored, logits, strict=True):
        torch.testing.assert_close(found, expected, atol=2e-2, rtol=1e-2)


def test_only_the_updates_and_what_is_new_are_trained(adapted):
    codes, condition = torch.randint(0, 12, (1, 7, 4)), make_condition(1)
    logits = adapted(codes, MASK, condition)
    sum(values.square().mean() for values in logits.codes).backward()
    inside = {n: p for n, p in adapted.named_parameters() if n.startswith("backbone.")}
    updates = {name for name in inside if ".lora_" in name}
    assert {name for name, p in inside.items() if p.requires_grad} == updates
    assert all(inside[name].grad.abs().sum() > 0 for name in updates)
    assert adapted.adapters[0].weight.grad.abs().sum() > 0
    layers = {name.split(".lora_")[0] for name in updates}
    linear_layers = {"tiny-gpt2": 2 * 4, "tiny-t5": 2 * 7 + 2 * 11}  # T5 decodes with 11 a layer
    assert len(layers) == linear_layers.get(adapted.config.backbone.source, 2 * 7)
