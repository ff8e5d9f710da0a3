"""Step-by-step evaluation of a backbone with a key-value cache.

``LlamaDecoder`` is our own loop for the Llama family (Llama, SmolLM2, Qwen2, Qwen3): fused
projections, pre-allocated cache, any precision. ``LibraryDecoder`` drives any other causal model
through the library's own cache, ``EncoderDecoderDecoder`` those of the T5 family; both compute in
the precision of their weights.
Axes: M inputs at once; H hidden; Q heads; G key-value heads; d head width.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

from motion.errors import RequestError
from motion.language.backbone import (
    base_model,
    check_positions,
    decoder_layers,
    is_encoder_decoder,
)
from motion.language.encoder_decoder import EncoderDecoderDecoder
from motion.language.lora import merged_weight
from motion.language.precision import Precision, linear
from motion.optional import cache_name

LLAMA_FAMILY = ("llama", "qwen2", "qwen3")


@runtime_checkable
class StepDecoder(Protocol):
    """Feeds embeddings to a backbone, keeping what it has seen."""

    def reset(self) -> None:
        """Forget everything."""

    def begin(
        self,
        prompt: Float[Tensor, "B P H"],
        prompt_mask: Bool[Tensor, "B P"],
        embeddings: Float[Tensor, "B M H"],
        mask: Bool[Tensor, "B M"],
    ) -> Float[Tensor, "B M H"]:
        """Forget everything, read a prompt, and give the states of the first inputs after it."""

    def feed(
        self, embeddings: Float[Tensor, "B M H"], mask: Bool[Tensor, "B M"]
    ) -> Float[Tensor, "B M H"]:
        """Last hidden states of new inputs; masked inputs are never attended to."""


class _CausalDecoder:
    """What decoders of causal models share: the prompt is what they read first."""

    def reset(self) -> None:
        """Forget everything."""
        raise NotImplementedError

    def feed(
        self, embeddings: Float[Tensor, "B M H"], mask: Bool[Tensor, "B M"]
    ) -> Float[Tensor, "B M H"]:
        """Last hidden states of new inputs."""
        raise NotImplementedError

    def begin(
        self,
        prompt: Float[Tensor, "B P H"],
        prompt_mask: Bool[Tensor, "B P"],
        embeddings: Float[Tensor, "B M H"],
        mask: Bool[Tensor, "B M"],
    ) -> Float[Tensor, "B M H"]:
        """Read a prompt and the first inputs after it in one go."""
        self.reset()
        together = torch.cat([prompt, embeddings], dim=1)
        return self.feed(together, torch.cat([prompt_mask, mask], dim=1))[:, prompt.shape[1] :]


class LibraryDecoder(_CausalDecoder):
    """Any ``transformers`` causal model through its own cache."""

    def __init__(self, backbone: Any) -> None:
        self.model = base_model(backbone).eval()
        self._cache_name = cache_name(self.model.forward)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._cache: object | None = None
        self._mask: Bool[Tensor, "B M"] | None = None

    @torch.no_grad()
    def feed(
        self, embeddings: Float[Tensor, "B M H"], mask: Bool[Tensor, "B M"]
    ) -> Float[Tensor, "B M H"]:
        """Last hidden states of new inputs."""
        self._mask = mask if self._mask is None else torch.cat([self._mask, mask], dim=1)
        positions = (self._mask.long().cumsum(1) - 1).clamp(min=0)[:, -mask.shape[1] :]
        result = self.model(
            inputs_embeds=embeddings,
            attention_mask=self._mask.long(),
            position_ids=positions,
            use_cache=True,
            **{self._cache_name: self._cache},
        )
        self._cache = result[self._cache_name]
        hidden: Tensor = result.last_hidden_state
        return hidden


class PackedLayer:
    """Weights of one layer, fused and in the decoding precision; shared by decoders."""

    def __init__(self, layer: Any, precision: Precision) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        projections = [attention.q_proj, attention.k_proj, attention.v_proj]
        weight = torch.cat([merged_weight(p) for p in projections])
        has_bias = projections[0].bias is not None
        bias = torch.cat([p.bias for p in projections]) if has_bias else None
        self.qkv = linear(weight, bias, precision)
        self.output = linear(merged_weight(attention.o_proj), attention.o_proj.bias, precision)
        gate_up = torch.cat([merged_weight(p) for p in (mlp.gate_proj, mlp.up_proj)])
        self.gate_up = linear(gate_up, None, precision)
        self.down = linear(merged_weight(mlp.down_proj), None, precision)
        self.before = layer.input_layernorm.weight.detach().float()
        self.between = layer.post_attention_layernorm.weight.detach().float()
        norms = [getattr(attention, name, None) for name in ("q_norm", "k_norm")]
        self.q_norm, self.k_norm = (None if n is None else n.weight.detach().float() for n in norms)


class LlamaDecoder(_CausalDecoder):
    """Own loop for the Llama family."""

    def __init__(
        self,
        backbone: Any,
        capacity: int,
        precision: Precision,
        layers: Sequence[PackedLayer] | None = None,
    ) -> None:
        config = backbone.config
        self.precision = precision
        self.num_heads = int(config.num_attention_heads)
        self.num_kv_heads = int(config.num_key_value_heads)
        width = int(config.hidden_size)
        self.head_dim = int(getattr(config, "head_dim", None) or width // self.num_heads)
        self.eps = float(config.rms_norm_eps)
        self.capacity = capacity
        self.layers = layers or [PackedLayer(x, precision) for x in decoder_layers(backbone)]
        self.norm = base_model(backbone).norm.weight.detach().float()
        theta = float(config.rope_parameters["rope_theta"])
        powers = torch.arange(0, self.head_dim, 2).float() / self.head_dim
        angles = torch.arange(capacity)[:, None] / theta ** powers[None]
        angles = torch.cat([angles, angles], dim=-1)
        self.cosine, self.sine = torch.cos(angles), torch.sin(angles)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._length = 0
        self._mask: Bool[Tensor, "B M"] | None = None
        self._next: Int[Tensor, "B 1"] | None = None

    def _begin(self, batch: int, like: Tensor) -> None:
        shape = (len(self.layers), batch, self.num_kv_heads, self.capacity, self.head_dim)
        self._keys, self._values = like.new_zeros(shape), like.new_zeros(shape)
        self._mask = torch.zeros(batch, self.capacity, dtype=torch.bool)
        self._next = torch.zeros(batch, 1, dtype=torch.long)
        self._padded = False

    @torch.no_grad()
    def feed(
        self, embeddings: Float[Tensor, "B M H"], mask: Bool[Tensor, "B M"]
    ) -> Float[Tensor, "B M H"]:
        """Last hidden states of new inputs."""
        B, M, _ = embeddings.shape
        if self._mask is None or self._next is None:
            self._begin(B, embeddings)
        assert self._mask is not None
        assert self._next is not None
        start, stop = self._length, self._length + M
        if stop > self.capacity:
            raise RequestError(f"the decoding cache holds {self.capacity} positions, got {stop}")
        self._mask[:, start:stop] = mask
        self._padded = self._padded or not bool(mask.all())
        counted = mask.long().cumsum(1)
        positions = (self._next + counted - 1).clamp(min=0)
        self._next = self._next + counted[:, -1:]
        turn = (self.cosine[positions][:, None], self.sine[positions][:, None])
        visible = self._visible(start, stop)
        self._length = stop
        x = embeddings
        for index, layer in enumerate(self.layers):
            x = x + self._attend(index, layer, x, turn, (start, stop), visible)
            y = self._apply(layer.gate_up, rms_norm(x, (x.shape[-1],), layer.between, self.eps))
            gate, up = y.chunk(2, dim=-1)
            x = x + self._apply(layer.down, silu(gate) * up)
        return rms_norm(x, (x.shape[-1],), self.norm, self.eps)

    def _visible(self, start: int, stop: int) -> Bool[Tensor, "B 1 M N"] | None:
        """Which keys each query sees; None when it is all of them."""
        assert self._mask is not None
        if stop - start == 1 and not self._padded:
            return None
        causal = torch.ones(stop - start, stop, dtype=torch.bool).tril(start)
        visible = causal[None, None] & self._mask[:, None, None, :stop]
        place = torch.arange(start, stop)
        own = torch.zeros(stop - start, stop, dtype=torch.bool)
        own[place - start, place] = True  # a masked query still sees itself: no empty softmax
        return visible | own

    def _attend(
        self,
        index: int,
        layer: PackedLayer,
        x: Float[Tensor, "B M H"],
        turn: tuple[Tensor, Tensor],
        span: tuple[int, int],
        visible: Bool[Tensor, "B 1 M N"] | None,
    ) -> Float[Tensor, "B M H"]:
        B, M, _ = x.shape
        Q, G, d = self.num_heads, self.num_kv_heads, self.head_dim
        y = self._apply(layer.qkv, rms_norm(x, (x.shape[-1],), layer.before, self.eps))
        y = y.reshape(B, M, Q + 2 * G, d).transpose(1, 2)  # (B, heads, M, d)
        query, key, value = y[:, :Q], y[:, Q : Q + G], y[:, Q + G :]
        if layer.q_norm is not None and layer.k_norm is not None:
            query = rms_norm(query, (d,), layer.q_norm, self.eps)
            key = rms_norm(key, (d,), layer.k_norm, self.eps)
        keys, values = self._keys[index], self._values[index]
        keys[:, :, span[0] : span[1]] = _rotated(key, *turn)
        values[:, :, span[0] : span[1]] = value
        seen = scaled_dot_product_attention(
            _rotated(query, *turn),
            keys[:, :, : span[1]],
            values[:, :, : span[1]],
            attn_mask=visible,
            enable_gqa=Q != G,
        )
        return self._apply(layer.output, seen.transpose(1, 2).reshape(B, M, Q * d))

    def _apply(self, layer: nn.Module, x: Tensor) -> Tensor:
        if self.precision == "bfloat16":
            result: Tensor = layer(x.bfloat16())
            return result.float()
        return layer(x)  # type: ignore[no-any-return]


def _rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding, half-split layout as in ``transformers``."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-second, first], dim=-1) * sine


def pack_layers(backbone: Any, precision: Precision) -> Sequence[PackedLayer] | None:
    """Weights for any number of ``LlamaDecoder``; None for backbones that the library drives.

    Packing costs 0.1 CPU seconds for the small preset, a sixth of a clip of ten seconds.
    """
    if backbone.config.model_type not in LLAMA_FAMILY:
        return None
    return [PackedLayer(layer, precision) for layer in decoder_layers(backbone)]


def build_decoder(
    backbone: Any,
    capacity: int,
    precision: Precision,
    layers: Sequence[PackedLayer] | None = None,
) -> StepDecoder:
    """The fastest decoder that fits a backbone.

    Args:
        backbone: A language model.
        capacity: Positions of prompt and response.
        precision: Number format of the weights, for the Llama family.
        layers: What ``pack_layers`` gave for this backbone and precision; None packs anew.

    Raises:
        RequestError: The backbone has fewer positions.
    """
    check_positions(backbone, capacity)
    if backbone.config.model_type in LLAMA_FAMILY:
        return LlamaDecoder(backbone, capacity, precision, layers)
    if is_encoder_decoder(backbone):
        return EncoderDecoderDecoder(backbone)
    return LibraryDecoder(backbone)
