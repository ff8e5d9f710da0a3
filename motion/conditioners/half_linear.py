"""Linear layers with fp16 weights for CPU inference.

Why not int8: on multilingual-e5-small, dynamic int8 (one scale per activation tensor) moves single
token states to cosine 0.92-0.94 and pooled vectors to 0.977-0.988, because a few channels are far
larger than the rest. fp16 weights with fp32 sums keep cosine 1.0, take half the memory of fp32 and
2.4 times less CPU time per caption (6.4 instead of 15.5 ms; int8 5.0, bf16 7.9).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def has_packed_half() -> bool:
    """Whether this CPU build of torch has FBGEMM's packed fp16 matrix product (x86 with AVX2)."""
    return torch.backends.quantized.engine in ("fbgemm", "x86")


class HalfLinear(nn.Module):
    """A frozen linear layer: weights packed as fp16, inputs, sums and outputs fp32."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        bias: Tensor | None = linear.bias
        self._packed = torch.ops.quantized.linear_prepack_fp16(
            linear.weight.detach().float(), None if bias is None else bias.detach().float()
        )

    def forward(self, x: Float[Tensor, "*batch in"]) -> Float[Tensor, "*batch out"]:
        """Multiply by the packed weights and add the bias."""
        out: Tensor = torch.ops.quantized.linear_dynamic_fp16(x, self._packed)
        return out


def pack_linears(module: nn.Module) -> None:
    """Replace every ``nn.Linear`` inside by ``HalfLinear``; nothing happens where it is missing."""
    if not has_packed_half():
        return
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, HalfLinear(child))
        else:
            pack_linears(child)
