"""Low-rank updates of a backbone: adding them, and a model as if it had never had them.

Source: Hu et al., LoRA (arXiv 2106.09685), through the ``peft`` package.
"""

from typing import Any

from torch import Tensor, nn

from motion.optional import require

ADAPTER = "default"
"""Name of the one adapter in ``peft``."""


def with_lora(model: Any, rank: int) -> Any:
    """Freeze a model and add trainable low-rank updates to all its linear layers but the head."""
    peft = require("peft", extra="llm")
    transposed = require("transformers").pytorch_utils.Conv1D
    model.requires_grad_(requires_grad=False)
    config = peft.LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules="all-linear",
        # GPT-2 keeps its matrices the other way round.
        fan_in_fan_out=any(isinstance(module, transposed) for module in model.modules()),
    )
    return peft.inject_adapter_in_model(config, model)


def merged_weight(layer: Any) -> Tensor:
    """Weight of a linear layer with its low-rank update, if it has one."""
    weight: Tensor = layer.weight
    if hasattr(layer, "get_delta_weight"):
        delta: Tensor = layer.get_delta_weight(ADAPTER)
        return (weight + delta).detach()
    return weight


def merged_state(module: nn.Module) -> dict[str, Tensor]:
    """Weights of a model as if it had never had low-rank updates: these are added in."""
    deltas = {
        f"{name}.weight": layer.get_delta_weight(ADAPTER).detach()
        for name, layer in module.named_modules()
        if hasattr(layer, "get_delta_weight")
    }
    state: dict[str, Tensor] = {}
    for name, value in module.state_dict().items():
        if ".lora_" not in name:
            plain = name.replace(".base_layer.", ".")
            state[plain] = value + deltas[plain] if plain in deltas else value
    return state
