"""Encoder-decoders of the T5 family: the encoder reads the prompt, the decoder the response.

T5 knows distances instead of positions, so the real inputs of a prompt are moved together first:
a prompt reads the same whatever padding stands in it. Axes: P positions of the prompt; L, M inputs
of the response; H hidden.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motion.errors import RequestError
from motion.optional import cache_name, require


@dataclass(frozen=True)
class EncodedPrompt:
    """What the decoder looks at."""

    states: Float[Tensor, "B P H"]
    mask: Bool[Tensor, "B P"]


def encode_prompt(
    backbone: Any, prompt: Float[Tensor, "B P H"], mask: Bool[Tensor, "B P"]
) -> EncodedPrompt:
    """Read a prompt in both directions; a prompt that is all hidden reads as one empty input."""
    order = torch.argsort((~mask).long(), dim=1, stable=True)  # real inputs first
    real = mask.gather(1, order)
    together = prompt.gather(1, order[..., None].expand(prompt.shape)) * real[..., None]
    first = torch.arange(mask.shape[1], device=mask.device) == 0
    real = real | first
    states = backbone.get_encoder()(inputs_embeds=together, attention_mask=real.long())
    return EncodedPrompt(states.last_hidden_state, real)


def decode_response(
    backbone: Any,
    encoded: EncodedPrompt,
    response: Float[Tensor, "B L H"],
    mask: Bool[Tensor, "B L"],
) -> Float[Tensor, "B L H"]:
    """Last hidden states of a response; its padding stands behind."""
    result = backbone.get_decoder()(
        inputs_embeds=response,
        attention_mask=mask.long(),
        encoder_hidden_states=encoded.states,
        encoder_attention_mask=encoded.mask.long(),
        use_cache=False,
    )
    hidden: Tensor = result.last_hidden_state
    return hidden


class EncoderDecoderDecoder:
    """Step-by-step evaluation of an encoder-decoder through the library's caches."""

    def __init__(self, backbone: Any) -> None:
        self.backbone = backbone.eval()
        self.stack = backbone.get_decoder()
        self._cache_name = cache_name(self.stack.forward)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._prompt: tuple[Tensor, Tensor] | None = None
        self._encoded: EncodedPrompt | None = None
        self._cache: Any = None
        self._mask: Bool[Tensor, "B M"] | None = None

    @torch.no_grad()
    def begin(
        self,
        prompt: Float[Tensor, "B P H"],
        prompt_mask: Bool[Tensor, "B P"],
        embeddings: Float[Tensor, "B M H"],
        mask: Bool[Tensor, "B M"],
    ) -> Float[Tensor, "B M H"]:
        """Begin a response anew. The very same prompt as before is not read a second time."""
        caches = require("transformers").cache_utils
        looked_at = caches.DynamicCache()
        if self._prompt is not None and all(
            known is given for known, given in zip(self._prompt, (prompt, prompt_mask), strict=True)
        ):
            looked_at = self._cache.cross_attention_cache
        else:
            self._prompt = (prompt, prompt_mask)
            self._encoded = encode_prompt(self.backbone, prompt, prompt_mask)
        self._cache = caches.EncoderDecoderCache(caches.DynamicCache(), looked_at)
        self._mask = None
        return self.feed(embeddings, mask)

    @torch.no_grad()
    def feed(
        self, embeddings: Float[Tensor, "B M H"], mask: Bool[Tensor, "B M"]
    ) -> Float[Tensor, "B M H"]:
        """Last hidden states of new inputs of the response.

        Raises:
            RequestError: There is no prompt yet.
        """
        if self._encoded is None:
            raise RequestError("an encoder-decoder needs a prompt before it is fed: call begin")
        self._mask = mask if self._mask is None else torch.cat([self._mask, mask], dim=1)
        result = self.stack(
            inputs_embeds=embeddings,
            attention_mask=self._mask.long(),
            encoder_hidden_states=self._encoded.states,
            encoder_attention_mask=self._encoded.mask.long(),
            use_cache=True,
            **{self._cache_name: self._cache},
        )
        hidden: Tensor = result.last_hidden_state
        return hidden
