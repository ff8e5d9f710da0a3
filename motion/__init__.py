"""Text, music and speech in, whole-body SMPL-X motion out, through one language model.

`files -> data -> Motion -> representation (features per part) -> tokenizer -> Codes -> language
(motion steps) -> tasks`
and back `tasks -> language -> Codes -> tokenizer -> Motion -> {formats (npz, bvh), body -> render
(mp4, glb, html)}`;
`text / music / speech -> conditioners -> alignment (shared space) -> Condition -> language`.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Motion": "motion.representation",
    "MotionError": "motion.errors",
    "MotionGenerator": "motion.generate",
    "GenerationRequest": "motion.generate",
    "GenerationResult": "motion.generate",
}
__all__ = ["GenerationRequest", "GenerationResult", "Motion", "MotionError", "MotionGenerator"]


def __getattr__(name: str) -> Any:
    """Load public names on first use, so that ``import motion`` stays light."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'motion' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)
