"""The own BERT: padding, fp16 weights, prefixes, damage."""

import json
from pathlib import Path

import pytest
import torch
from made_weights import make_e5_file
from safetensors.torch import load_file, save_file

from motion.conditioners.bert import BertEncoder, is_plain_bert
from motion.conditioners.e5 import bake_e5
from motion.conditioners.half_linear import HalfLinear, has_packed_half
from motion.errors import WeightsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bake_e5(make_e5_file()[0], tmp_path)
    return tmp_path


def test_padding_changes_nothing(folder: Path) -> None:
    model = BertEncoder.from_folder(folder)
    ids = torch.randint(0, 20, (1, 6))
    alone = model(ids, torch.ones(1, 6, dtype=torch.bool))
    padded = torch.cat([ids, torch.randint(0, 20, (1, 5))], dim=1)
    beside = model(padded, torch.arange(11)[None] < 6)
    torch.testing.assert_close(beside[:, :6], alone, atol=1e-5, rtol=0)


@pytest.mark.skipif(not has_packed_half(), reason="this CPU build of torch packs no fp16")
def test_half_weights_stay_close(folder: Path) -> None:
    exact = BertEncoder.from_folder(folder)
    packed = BertEncoder.from_folder(folder, half_linears=True)
    assert isinstance(packed.layers[0].output, HalfLinear)
    ids, mask = torch.randint(0, 20, (3, 9)), torch.ones(3, 9, dtype=torch.bool)
    similarity = torch.cosine_similarity(exact(ids, mask), packed(ids, mask), dim=-1)
    assert similarity.min() > 0.9999


def test_names_may_have_the_prefix_of_a_task_model(folder: Path) -> None:
    ids, mask = torch.randint(0, 20, (1, 5)), torch.ones(1, 5, dtype=torch.bool)
    expected = BertEncoder.from_folder(folder)(ids, mask)
    tensors = load_file(folder / "model.safetensors")
    save_file({f"bert.{k}": v.clone() for k, v in tensors.items()}, folder / "model.safetensors")
    torch.testing.assert_close(BertEncoder.from_folder(folder)(ids, mask), expected)


def test_unfitting_folders_are_named(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    cut = {k: v for k, v in config.items() if k != "hidden_size"}
    (folder / "config.json").write_text(json.dumps(cut))
    with pytest.raises(WeightsError, match=r"lacks \['hidden_size'\]"):
        BertEncoder.from_folder(folder)
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(WeightsError, match="cannot load a BERT encoder"):
        BertEncoder.from_folder(folder)
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 99}))
    with pytest.raises(WeightsError, match="word table should be 99 x 32"):
        BertEncoder.from_folder(folder)
    (folder / "config.json").write_text(json.dumps(config | {"num_attention_heads": 5}))
    with pytest.raises(WeightsError, match="must be a multiple"):
        BertEncoder.from_folder(folder)


def test_only_what_it_computes_is_accepted() -> None:
    assert is_plain_bert({"model_type": "bert", "hidden_act": "gelu"})
    assert not is_plain_bert({"model_type": "bert", "hidden_act": "relu"})
    assert not is_plain_bert({"model_type": "bert", "position_embedding_type": "relative_key"})
    assert not is_plain_bert({"model_type": "mpnet"})
