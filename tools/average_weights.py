r"""Average a language model with the one that it was trained on from, so that it keeps its skills.

What is learned anew pulls a small model away from what it could do before; a point on the straight
line between the two often has both.

Source: Wortsman et al. 2021, "Robust fine-tuning of zero-shot models" (arXiv 2109.01903), equation
1. Departure: weights of words (embeddings, special tokens, copying) and of gaps are taken as they
are, since the earlier model never used them.

    python tools/average_weights.py --language runs/release/small_tasks/language --share 0.75 \
        --before runs/release/small_continued/language --out runs/release/averaged/language
"""

import argparse
from pathlib import Path

from torch import Tensor

from motion.errors import ConfigError
from motion.generate.checkpoint import load_language_model, save_language_model

NEW_WEIGHTS = ("special.", "copying.", "goal.")
"""Beginnings of the names of weights that the earlier model did not train."""
WORDS = ("embed_tokens.", "lm_head.")
"""Parts of the names of the backbone's weights of words."""


def averaged(
    later: dict[str, Tensor], before: dict[str, Tensor], share: float
) -> dict[str, Tensor]:
    """``share`` of the later weights and the rest of the earlier ones.

    Raises:
        ConfigError: The share is none, or the models have different shapes.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the share must lie between 0 and 1, got {share:g}")
    result = {}
    for name, value in later.items():
        taken = name.startswith(NEW_WEIGHTS) or any(word in name for word in WORDS)
        if taken or name not in before:
            result[name] = value
            continue
        if before[name].shape != value.shape:
            raise ConfigError(f"{name} has shape {tuple(before[name].shape)} in the earlier model")
        result[name] = share * value + (1 - share) * before[name]
    return result


def main() -> None:
    """Read two models, write their average."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--language", type=Path, required=True, help="the later model")
    parser.add_argument("--before", type=Path, required=True, help="the model it went on from")
    parser.add_argument("--share", type=float, required=True, help="of the later model, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    later, before = (load_language_model(f) for f in (arguments.language, arguments.before))
    mixed = averaged(later.model.state_dict(), before.model.state_dict(), arguments.share)
    later.model.load_state_dict(mixed)
    save_language_model(later.model, later.text_pieces, arguments.out)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
