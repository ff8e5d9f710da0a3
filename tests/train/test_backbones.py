"""Motions and words train every family of backbones."""

from pathlib import Path

import pytest
import torch
from made_models import make_language_model
from made_questions import PIECES, make_prompt
from made_steps import batches_of
from made_weights import WIDTH

from motion.conditioners import TextFeatureTable
from motion.generate import save_language_model
from motion.language import BackboneConfig
from motion.tokenizer import MotionTokenizer
from motion.train.code_store import CodeStore
from motion.train.language_stage import LanguageModule, LanguageTrainingConfig, continue_from
from motion.train.schedule import OptimizerConfig
from motion.train.text_batches import TextBatch, answer_losses
from motion.train.text_pieces import train_text_pieces


@pytest.fixture(params=["tiny-llama", "tiny-gpt2", "tiny-t5"])
def module(request, tokenizer: MotionTokenizer) -> LanguageModule:
    torch.manual_seed(0)
    backbone = BackboneConfig(source=request.param)
    model = make_language_model(tokenizer, condition_dim=WIDTH, backbone=backbone)
    training = LanguageTrainingConfig(condition_dropout=0.2, corrupt=0.0)
    module = LanguageModule(model.config, training, OptimizerConfig())
    module.model = model
    module.logged = {}
    module.log = lambda name, value, **more: module.logged.update({name: value.item()})
    return module.train()


def questions(module: LanguageModule) -> TextBatch:
    """Two questions, one about a motion, with answers of different lengths."""
    torch.manual_seed(1)
    assert module.model is not None
    prompt = make_prompt(module.model)
    states = torch.randn(2, 5, WIDTH)
    return TextBatch(
        kind="captions",
        states=states,
        states_mask=torch.arange(5) < torch.tensor([[5], [3]]),
        pooled=states.mean(1),
        motion=prompt.motion,
        motion_mask=prompt.motion_mask,
        payload=prompt.payload,
        payload_mask=prompt.payload_mask,
        answer=torch.randint(0, PIECES, (2, 6)),
        answer_mask=torch.arange(6) < torch.tensor([[6], [4]]),
        given=torch.zeros(2, dtype=torch.long),
    )


def test_motions_and_words_are_learned_together(
    store: CodeStore, texts: dict[str, int], features: TextFeatureTable, module: LanguageModule
):
    motions, words = batches_of(store, texts, features)[0], questions(module)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2)
    losses: dict[str, list[float]] = {"motions": [], "words": []}
    for step in range(15):
        for name, batch in (("motions", motions), ("words", words)):
            optimizer.zero_grad()
            loss = module.training_step(batch, step)
            loss.backward()
            optimizer.step()
            losses[name].append(loss.item())
    assert losses["motions"][-1] < 0.8 * losses["motions"][0]
    assert losses["words"][-1] < 0.5 * losses["words"][0]
    assert all(torch.isfinite(p).all() for p in module.parameters())
    with torch.no_grad():
        module.eval().validation_step(motions, 0)
        module.validation_step(words, 1)
    assert module.logged["val/captions"] < 0.5 * losses["words"][0]
    assert module.logged["val/codes"] > 0


def test_only_a_causal_backbone_learns_to_predict_what_it_reads(module: LanguageModule):
    """T5 reads prompts in both directions, so there is nothing to predict."""
    assert module.model is not None
    batch = questions(module)
    payload = answer_losses(module.model, batch, batch.condition)["payload"]
    source = module.language_config.backbone.source
    assert (payload.item() == 0) == (source == "tiny-t5")


@pytest.mark.parametrize("new_text", [False, True])
def test_training_goes_on_from_a_release(module: LanguageModule, tmp_path: Path, new_text: bool):
    assert module.model is not None
    save_language_model(module.model, train_text_pieces(["walk"], 300), tmp_path)
    config = module.language_config
    fresh = make_language_model(condition_dim=WIDTH, backbone=config.backbone)
    embedded = fresh.backbone.get_input_embeddings().weight.clone()
    continue_from(fresh, tmp_path, new_text=new_text)
    before = module.model.state_dict()
    rows = dict(fresh.named_parameters())
    for name, value in rows.items():
        if value is fresh.backbone.get_input_embeddings().weight and new_text:
            assert torch.equal(value, embedded)
        else:
            torch.testing.assert_close(value, before[name], atol=1e-2, rtol=1e-2)
    backbone = fresh.backbone
    assert backbone.get_output_embeddings().weight is backbone.get_input_embeddings().weight
