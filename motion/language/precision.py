"""Number formats for decoding: float32, bfloat16, packed float16, or 8-bit weights on the CPU."""

import warnings
from typing import Literal

import torch
from torch import Tensor, nn

from motion.conditioners.half_linear import HalfLinear, has_packed_half
from motion.errors import ConfigError

Precision = Literal["float32", "bfloat16", "float16", "int8"]


def linear(weight: Tensor, bias: Tensor | None, precision: Precision) -> nn.Module:
    """A linear map with the given weights, in a format made for decoding.

    ``float16`` packs the weights and keeps inputs and sums in float32: half the memory traffic,
    rows of a batch stay independent. ``int8`` quantizes weights per output row and activations per
    call (FBGEMM); rows of a batch then share one activation scale and influence each other, so the
    engine decodes requests one by one.
    """
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight.detach().float().clone(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().float().clone(), requires_grad=False)
    if precision == "float32":
        return layer
    if precision == "bfloat16":
        return layer.bfloat16()
    if precision == "int8":
        return _dynamic_int8(layer)
    if precision == "float16":
        return HalfLinear(layer) if has_packed_half() else layer
    raise ConfigError(f"precision must be float32, bfloat16, float16 or int8, got '{precision}'")


def _dynamic_int8(layer: nn.Linear) -> nn.Module:
    quantization = torch.ao.quantization
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer.qconfig = quantization.per_channel_dynamic_qconfig  # type: ignore[assignment]
        converted: nn.Module = torch.ao.nn.quantized.dynamic.Linear.from_float(layer)  # type: ignore[no-untyped-call]
    return converted
