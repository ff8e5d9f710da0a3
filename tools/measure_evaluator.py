"""Measure the evaluator on held-out pairs of text and real motion, all together and by corpus.

    python tools/measure_evaluator.py --data prepared --out benchmarks/evaluator.json

Each clip of the test split counts once, cut to 10 s; each replication draws one English caption a
clip. Pools hold 32 pairs, or all there are. "strict" pools hold no two clips of which one's caption
is known to describe the other; "usual" ones, as in the field's tables, may.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motion.alignment import r_precision as strict_r_precision
from motion.conditioners import TextEncoder, cache_text_features
from motion.evaluate.benchmark_tokenizer import open_corpora
from motion.evaluate.distribution_metrics import (
    POOL_SIZE,
    REPLICATIONS,
    TOP,
    r_precision,
    replicate,
)
from motion.evaluate.evaluator import Evaluator
from motion.evaluate.suites.text_clips import TEST, KnownClip, known_clips
from motion.formats import atomic_path

LEAST_POOL = 8
"""Corpora with fewer clips are counted and left out of the table."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="prepared corpora")
    parser.add_argument("--evaluator", type=Path, help="its folder; without it the default one")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="of text features")
    parser.add_argument("--out", type=Path, help="where to write JSON")
    given = parser.parse_args(arguments)
    evaluator = Evaluator.load(given.evaluator) if given.evaluator else Evaluator.load_default()
    clips = known_clips(open_corpora(given.data), TEST)
    said = list(dict.fromkeys(text for clip in clips for text in clip.captions))
    encoder = TextEncoder.load()
    evaluator.check_encoder(encoder)
    table = cache_text_features(said, encoder, given.cache / "text")
    with torch.no_grad():
        pieces = torch.arange(len(said)).split(POOL_SIZE)
        rows = torch.cat([evaluator.encode_text(table.gather(piece)) for piece in pieces])
    report = measured(evaluator, dict(zip(said, rows, strict=True)), clips)
    for name, row in report["corpora"].items():
        print(name, row)
    if given.out is not None:
        with atomic_path(given.out) as target:
            target.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", "utf-8")


def measured(
    evaluator: Evaluator, texts: dict[str, Float[Tensor, " D"]], clips: Sequence[KnownClip]
) -> dict:
    """Retrieval of all clips and of each corpus, beside chance and shuffled pairs."""
    motions = evaluator.embed_motions([clip.motion() for clip in clips])
    names = [clip.corpus.name for clip in clips]
    groups = {"all": list(range(len(clips)))} | {
        name: [i for i, other in enumerate(names) if other == name] for name in sorted(set(names))
    }
    rows = {
        name: retrieval([clips[i] for i in rows], texts, motions[rows])
        for name, rows in groups.items()
        if len(rows) >= LEAST_POOL
    }
    return {
        "command": "python tools/measure_evaluator.py --data prepared",
        "evaluator": evaluator.hash,
        "split": TEST,
        "replications": REPLICATIONS,
        "clips": {name: len(rows) for name, rows in groups.items()},
        "corpora": rows,
    }


def retrieval(
    clips: Sequence[KnownClip],
    texts: dict[str, Float[Tensor, " D"]],
    motions: Float[Tensor, "N D"],
) -> dict:
    """R-precision of texts that look for motions."""
    pool = min(POOL_SIZE, len(clips))
    same = _same(clips)

    def measure(generator: torch.Generator) -> dict[str, float]:
        shares = torch.rand(len(clips), generator=generator).tolist()
        picked = [c.captions[int(s * len(c.captions))] for c, s in zip(clips, shares, strict=True)]
        rows = torch.stack([texts[text] for text in picked])
        seed = int(torch.randint(2**31, (), generator=generator))
        strict = strict_r_precision(rows, motions, same, num_pools=10, seed=seed)
        mixed = motions[torch.randperm(len(motions), generator=generator)]
        found = {
            "usual": r_precision(rows, motions, generator, pool_size=pool).top,
            "shuffled": r_precision(rows, mixed, generator, pool_size=pool).top,
        }
        values = {
            f"{n} R@{k}": v for n, top in found.items() for k, v in zip(TOP, top, strict=True)
        }
        return values | {"strict R@1": strict.top_1, "strict R@3": strict.top_3}

    found = replicate(measure)
    drawn = strict_r_precision(motions, motions, same, num_pools=1)
    return {
        "clips": len(clips),
        "pool": pool,
        "strict_pool": drawn.pool_size,
        "chance": {f"R@{k}": round(k / pool, 4) for k in TOP},
        **{n: [round(v.mean, 4), *(round(x, 4) for x in v.interval)] for n, v in found.items()},
    }


def _same(clips: Sequence[KnownClip]) -> Bool[Tensor, "N N"]:
    """Clips that share a caption."""
    sets = [frozenset(clip.captions) for clip in clips]
    return torch.tensor([[bool(a & b) for b in sets] for a in sets])


if __name__ == "__main__":
    main()
