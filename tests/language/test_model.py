"""The motion language model around plain transformers backbones."""

from pathlib import Path

import pytest
import torch
import transformers
from made_models import make_condition, make_language_model, make_streams

from motion.errors import ConfigError, WeightsError
from motion.language import (
    BackboneConfig,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    build_backbone,
)

SMALL = {"vocab_size": 60, "bos_token_id": None, "eos_token_id": None}
LLAMA_LIKE = SMALL | {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
}
PLAIN = {
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(**SMALL, n_embd=32, n_layer=3, n_head=4, n_positions=128)
    ),
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA_LIKE)),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**LLAMA_LIKE)),
    "qwen3": lambda: transformers.Qwen3ForCausalLM(
        transformers.Qwen3Config(**LLAMA_LIKE, head_dim=8)
    ),
}


@pytest.fixture(params=list(PLAIN))
def folder(request, tmp_path) -> Path:
    torch.manual_seed(5)
    PLAIN[request.param]().save_pretrained(tmp_path / request.param)
    return tmp_path / request.param


def wrapped(folder: Path, **changes) -> MotionLanguageModel:
    config = MotionLanguageModelConfig(
        backbone=BackboneConfig(source=str(folder), **changes), condition_dim=16
    )
    model = MotionLanguageModel(config, make_streams()).eval()
    for stream in model.vocabulary.streams:
        model.set_codebook(stream, torch.randn(stream.codebook_size, stream.code_dim))
    return model


def test_any_local_folder_keeps_its_names_and_its_logits(folder):
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    model = wrapped(folder)
    names = {n.removeprefix("backbone.") for n, _ in model.named_parameters() if "backbone" in n}
    assert names == {name for name, _ in plain.named_parameters()}
    ids = torch.randint(0, 60, (2, 9))
    mask = torch.ones(2, 9, dtype=torch.bool)
    with torch.no_grad():
        hidden = model.run_backbone(model.text_embeddings(ids), mask)
        logits = model.text_logits(hidden)
        expected = plain(ids).logits
    torch.testing.assert_close(logits[..., :60], expected, atol=1e-5, rtol=0)
    assert logits.shape[-1] == model.vocabulary.num_backbone_rows


def test_first_layers_are_kept(folder):
    model = wrapped(folder, num_layers=2)
    assert model.backbone.config.num_hidden_layers == 2
    with pytest.raises(ConfigError, match="the model has 3"):
        build_backbone(BackboneConfig(source=str(folder), num_layers=9), 10)


def test_motion_steps_train_through_any_backbone(folder):
    model = wrapped(folder)
    codes, mask = torch.randint(0, 12, (2, 6, 4)), torch.ones(2, 6, dtype=torch.bool)
    logits = model(codes, mask, make_condition(2))
    sum(values.square().mean() for values in logits.codes).backward()
    assert model.adapters[0].weight.grad.abs().sum() > 0
    assert model.prefix.weight.grad.abs().sum() > 0


def test_a_wrong_folder_is_one_sentence(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="cannot load a language model"):
        build_backbone(BackboneConfig(source=str(tmp_path)), 10)


def test_the_text_reaches_every_step_and_the_future_none():
    torch.manual_seed(6)
    model = make_language_model()
    codes, mask = torch.randint(0, 12, (1, 6, 4)), torch.ones(1, 6, dtype=torch.bool)
    condition, other = make_condition(1), make_condition(1)
    changed = codes.clone()
    changed[:, 3:] = (changed[:, 3:] + 1) % 12
    with torch.no_grad():
        base = model(codes, mask, condition).codes[0]
        text = model(codes, mask, other).codes[0]
        later = model(changed, mask, condition).codes[0]
    assert ((base - text).abs().amax(-1) > 1e-4).all()
    torch.testing.assert_close(base[:, :4], later[:, :4], atol=1e-5, rtol=0)
    assert (base[:, 4:] - later[:, 4:]).abs().max() > 1e-4


def test_a_dropped_condition_leaves_no_trace():
    model = make_language_model()
    codes, mask = torch.randint(0, 12, (2, 5, 4)), torch.ones(2, 5, dtype=torch.bool)
    keep = torch.zeros(2, dtype=torch.bool)
    with torch.no_grad():
        first = model(codes, mask, make_condition(2), keep=keep).codes[0]
        second = model(codes, mask, make_condition(2), keep=keep).codes[0]
    torch.testing.assert_close(first, second, atol=1e-5, rtol=0)


def test_later_streams_see_earlier_ones_and_not_the_reverse():
    model = make_language_model()
    codes, mask = torch.randint(0, 12, (1, 1, 4)), torch.ones(1, 1, dtype=torch.bool)
    condition = make_condition(1)
    changed = codes.clone()
    changed[..., 1] = (changed[..., 1] + 1) % 12
    with torch.no_grad():
        first = model(codes, mask, condition, read=codes).codes
        second = model(changed, mask, condition, read=codes).codes
    torch.testing.assert_close(first[0], second[0])
    torch.testing.assert_close(first[1], second[1])
    assert (first[2] - second[2]).abs().max() > 1e-5
