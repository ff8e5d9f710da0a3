"""Overlays laid over the whole body's movement as it comes, in memory that does not grow."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from motion.generate.keeping import splice
from motion.generate.poses import Poses
from motion.generate.progress import joined
from motion.generate.stretches import FADE, Overlay
from motion.representation import NUM_JOINTS, Motion

OverlayMaker = Callable[[Overlay, Motion], Motion]
"""Gives the frames of a motion with the parts of an overlay made anew."""


class OverlayMixer:
    """Holds frames back until every overlay over them is laid, lower layers first."""

    def __init__(self, overlays: Sequence[Overlay], make: OverlayMaker) -> None:
        """Say what is laid.

        Args:
            overlays: In the order of their layers.
            make: Makes one, given the frames under it.
        """
        self.overlays, self.make = tuple(overlays), make
        self.laid: set[int] = set()
        self.emitted = 0
        """Frames that are done."""
        self.waiting: Motion | None = None
        """Frames behind those that are done."""

    def resume(self, laid: Sequence[int], emitted: int, waiting: Motion) -> None:
        """Go on from where an earlier run stopped."""
        self.laid, self.emitted, self.waiting = set(laid), emitted, waiting

    def push(self, piece: Motion) -> Motion:
        """Add frames of the whole body; give those that nothing changes any more."""
        whole = piece if self.waiting is None else joined([self.waiting, piece])
        reached = self.emitted + whole.num_frames
        for index, overlay in enumerate(self.overlays):
            if index not in self.laid and overlay.stop <= reached:
                whole = self._lay(whole, overlay)
                self.laid.add(index)
        open_starts = [o.start for i, o in enumerate(self.overlays) if i not in self.laid]
        done = min([reached, *open_starts]) - self.emitted
        done = max(done, 0)
        self.emitted += done
        self.waiting = whole.frames(done, whole.num_frames)
        return whole.frames(0, done)

    def _lay(self, whole: Motion, overlay: Overlay) -> Motion:
        first, last = overlay.start - self.emitted, overlay.stop - self.emitted
        under = whole.frames(first, last)
        over = faded(under, self.make(overlay, under), overlay)
        rest = (whole.frames(0, first), over, whole.frames(last, whole.num_frames))
        return replace(joined(rest), parts=whole.parts | over.parts)


def faded(under: Motion, over: Motion, overlay: Overlay) -> Motion:
    """Let an overlay's parts come in over the movement below, and give them back.

    Args:
        under: What would be without it.
        over: Equally long, with its parts.
        overlay: Which parts, and whether the end fades.
    """
    share = fade_shares(over.num_frames, fades_out=overlay.fades_out).to(over.transl)
    joints = share[:, None].expand(-1, NUM_JOINTS)
    blended = Poses.of(under).blended(Poses.of(over), joints, torch.zeros_like(share))
    expression = torch.lerp(under.expression, over.expression, share[:, None])
    return splice(blended.motion(under, expression), under, overlay.parts)


def fade_shares(num_frames: int, *, fades_out: bool) -> Float[Tensor, " T"]:
    """From 0 to 1 within ``FADE`` frames, and back at the end; smooth in speed."""
    place = (torch.arange(num_frames) + 1) / (min(FADE, num_frames // 2) + 1)
    place = torch.minimum(place, place.flip(0)) if fades_out else place
    place = place.clamp(0, 1)
    return place.square() * (3 - 2 * place)
