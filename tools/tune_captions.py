"""Find which weights choose best among a model's captions, on validation clips.

    python tools/tune_captions.py --data DATA/prepared --out tuning.json

``motion evaluate --suite caption`` measures captions; nothing of the test clips is looked at here.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from motion.evaluate.action_words import content_of, is_right
from motion.evaluate.benchmark_tokenizer import open_corpora
from motion.evaluate.caption_baselines import CaptionedClip, captioned_clips
from motion.evaluate.caption_suite import choose_clips
from motion.evaluate.text_metrics import text_scores
from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.generate.caption_records import CaptionConfig, MotionCaption

GRID = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Weights of the similarity, tried against a likelihood that counts once."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared corpora")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--candidates", type=int, default=None, help="texts to choose from")
    parser.add_argument("--checkpoint", type=Path, default=None)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    config = CaptionConfig()
    if arguments.candidates is not None:
        config = replace(config, candidates=arguments.candidates)
    corpora = open_corpora(arguments.data)
    clips = choose_clips(captioned_clips(corpora, "val"), arguments.clips)
    generator = MotionGenerator.from_pretrained(arguments.checkpoint)
    captions = [generator.caption(clip.motion(), config=config) for clip in clips]
    report = {"candidates": config.candidates, **tune(captions, clips)}
    report["cpu_seconds"] = time.process_time() - began
    with atomic_path(arguments.out) as path:
        path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{report['cpu_seconds']:.0f} CPU seconds, wrote {arguments.out}")


def tune(captions: Sequence[MotionCaption], clips: Sequence[CaptionedClip]) -> dict[str, Any]:
    """Choose again among the same candidates with every weight of the grid.

    Clips that were cut into segments are left out: their words depend on more than the weights.
    """
    whole = [(c, clip) for c, clip in zip(captions, clips, strict=True) if len(c.segments) == 1]
    rows = []
    settings = [CaptionConfig(similarity_weight=weight) for weight in GRID]
    settings.append(CaptionConfig(likelihood_weight=0.0, similarity_weight=1.0))
    for config in settings:
        texts = [_best(caption, lambda one, c=config: one.score(c)) for caption, _ in whole]
        rows.append(_row(config, texts, [clip for _, clip in whole]))
        print(json.dumps(rows[-1]))
    best = max(rows, key=lambda row: row["mean"])
    return {"num_clips": len(whole), "settings": rows, "best": best}


def _best(caption: MotionCaption, key: Callable[[Any], float]) -> str:
    return max(caption.segments[0].candidates, key=key).text


def _row(config: CaptionConfig, texts: list[str], clips: Sequence[CaptionedClip]) -> dict[str, Any]:
    references = [clip.captions for clip in clips]
    scores = text_scores(texts, references)
    contents = [content_of(rows) for rows in references]
    right = [is_right(t, c) for t, c in zip(texts, contents, strict=True) if c is not None]
    values = {
        "bleu_4": scores.bleu[-1],
        "rouge_l": scores.rouge_l,
        "cider_10th": scores.cider / 10,
        "content_accuracy": fmean(right) if right else 0.0,
    }
    weights = {n: getattr(config, n) for n in ("likelihood_weight", "similarity_weight")}
    return {**weights, **values, "mean": fmean(values.values())}


if __name__ == "__main__":
    main()
