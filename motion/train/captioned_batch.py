"""What batches with one caption an item share. Axes: P tokens; E width of the text encoder."""

from jaxtyping import Bool, Float
from torch import Tensor

from motion.conditioners import Condition


class CaptionedBatch:
    """A batch whose fields hold caption features one by one, so that Lightning can move them."""

    states: Float[Tensor, "B P E"]
    states_mask: Bool[Tensor, "B P"]
    pooled: Float[Tensor, "B E"]

    @property
    def condition(self) -> Condition:
        """The captions' features."""
        return Condition(
            embedding=self.states,
            mask=self.states_mask,
            pooled=self.pooled,
            rate=None,
            modality="text",
        )
