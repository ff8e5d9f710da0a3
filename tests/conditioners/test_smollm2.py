"""Baking a GGUF language model, and keeping its first layers."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motion.conditioners.baking import is_baked
from motion.conditioners.smollm2 import (
    SMOLLM2_135M_INSTRUCT,
    bake_gguf,
    bake_smollm2,
    keep_first_layers,
)
from motion.errors import ConfigError, WeightsError

WIDTH, WIDE, LAYERS, HEADS, KEY_HEADS = 32, 64, 3, 4, 2
TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *"abcdefghij", "Ġ", "ab", "Ġa", "cd"]


def _write_gguf(path: Path) -> dict[str, np.ndarray]:
    """Write a tiny Llama in llama.cpp's format; give its values by GGUF names."""
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
    writer.add_token_merges(["a b", "Ġ a", "c d"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    rng = np.random.default_rng(0)
    narrow = WIDTH // HEADS * KEY_HEADS
    shapes = {"token_embd": (len(TOKENS), WIDTH)}
    for i in range(LAYERS):
        shapes |= {
            f"blk.{i}.attn_q": (WIDTH, WIDTH),
            f"blk.{i}.attn_k": (narrow, WIDTH),
            f"blk.{i}.attn_v": (narrow, WIDTH),
            f"blk.{i}.attn_output": (WIDTH, WIDTH),
            f"blk.{i}.ffn_gate": (WIDE, WIDTH),
            f"blk.{i}.ffn_up": (WIDE, WIDTH),
            f"blk.{i}.ffn_down": (WIDTH, WIDE),
        }
    values = {n: (rng.standard_normal(s) * 0.3).astype(np.float32) for n, s in shapes.items()}
    for name, matrix in values.items():
        kind = gguf.GGMLQuantizationType.Q4_1
        packed = gguf.quants.quantize(matrix, kind)
        values[name] = gguf.quants.dequantize(packed, kind)
        writer.add_tensor(f"{name}.weight", packed, raw_dtype=kind)
    norms = ["output_norm"]
    norms += [f"blk.{i}.{n}" for i in range(LAYERS) for n in ("attn_norm", "ffn_norm")]
    for name in norms:
        values[name] = np.ones(WIDTH, np.float32)
        writer.add_tensor(f"{name}.weight", values[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return values


def _load(folder: Path) -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def baked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    pytest.importorskip("accelerate")
    folder = tmp_path_factory.mktemp("gguf")
    values = _write_gguf(folder / "tiny.gguf")
    (folder / "baked").mkdir()
    bake_gguf((folder / "tiny.gguf").read_bytes(), folder / "baked")
    return folder / "baked", values


def test_baked_model_has_the_values_of_the_file(
    baked: tuple[Path, dict[str, np.ndarray]],
) -> None:
    folder, values = baked
    assert not list(folder.glob("*.gguf"))
    model = _load(folder)
    assert model.config.tie_word_embeddings
    assert not hasattr(model.config, "quantization_config")
    for found, name in (
        (model.model.embed_tokens.weight, "token_embd"),
        (model.model.layers[2].mlp.down_proj.weight, "blk.2.ffn_down"),
        (model.model.layers[0].self_attn.v_proj.weight, "blk.0.attn_v"),
    ):
        expected = torch.from_numpy(values[name])
        torch.testing.assert_close(found.detach(), expected, rtol=2**-8, atol=1e-6)  # bf16


def test_baked_tokenizer_knows_the_pieces(baked: tuple[Path, dict[str, np.ndarray]]) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(baked[0])
    ids = tokenizer("ab a", add_special_tokens=False)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["ab", "Ġa"]
    assert tokenizer.eos_token == "<|im_end|>"


def test_first_layers_compute_the_same(
    baked: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    keep_first_layers(baked[0], tmp_path, 2)
    whole, cut = _load(baked[0]), _load(tmp_path)
    assert cut.config.num_hidden_layers == 2
    ids = torch.tensor([[3, 5, 7, 4]])
    with torch.no_grad():
        whole.model.layers = whole.model.layers[:2]
        expected = whole(ids).logits
        torch.testing.assert_close(cut(ids).logits, expected)
    with pytest.raises(ConfigError, match="has 3 layers, cannot keep 4"):
        keep_first_layers(baked[0], tmp_path / "more", 4)


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(WeightsError, match="cannot read the GGUF language model"):
            bake_gguf(b"no model" * 10, tmp_path)
    assert not list(tmp_path.glob("*.gguf"))


def test_real_weights_lie_in_a_complete_folder() -> None:
    if not is_baked(SMOLLM2_135M_INSTRUCT.folder):
        pytest.skip("smollm2-135m-instruct is not in the cache")
    folder = bake_smollm2(progress=False)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        path.name for path in folder.iterdir()
    }
