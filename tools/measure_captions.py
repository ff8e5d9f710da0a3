"""Measure captions of held-out clips against retrieved, random and most frequent captions.

    python tools/measure_captions.py --data DATA/prepared --out benchmarks/captions.json

Clips of every corpus (all of a small one, others evenly spread) are described by the model and by
the baselines, which know all training clips. With ``--tune`` the validation clips tell which
weights choose best among a model's candidates; nothing else is measured then.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from motion.conditioners import TextEncoder
from motion.data import PreparedCorpus, load_corpora
from motion.errors import RequestError
from motion.evaluate.action_words import check_rule, content_of, is_right
from motion.evaluate.caption_baselines import (
    BASELINES,
    CaptionedClip,
    KnownClips,
    captioned_clips,
)
from motion.evaluate.caption_suite import (
    PEOPLE,
    WHOLE,
    ClipSet,
    Scores,
    choose_clips,
    clip_sets,
    compare,
    figures,
    measure_systems,
    subset_scores,
    suite_protocols,
)
from motion.evaluate.text_metrics import text_scores
from motion.formats import atomic_path
from motion.generate import MotionGenerator
from motion.generate.caption_records import CaptionConfig, MotionCaption
from motion.generate.checkpoint import DEFAULT_CHECKPOINT

CORPORA = ("bandai", "cmu", "cc0")
MODEL = "model"
SHOWN = 40
"""Captions that the report shows, evenly spread."""
GRID = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Weights of the similarity, tried against a likelihood that counts once."""
Report = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared corpora")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=150)
    parser.add_argument("--candidates", type=int, default=None, help="texts to choose from")
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--baselines-only", action="store_true")
    parser.add_argument("--codes", action="store_true", help="a baseline by like codes as well")
    parser.add_argument("--tune", action="store_true", help="try weights on validation clips")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    corpora = load_corpora([arguments.data / name for name in CORPORA])
    folder = arguments.checkpoint or DEFAULT_CHECKPOINT
    checkpoint = str(arguments.checkpoint or "checkpoints/default")
    report: Report = {"command": command_of(arguments), "checkpoint": checkpoint}
    config = CaptionConfig()
    if arguments.candidates is not None:
        config = replace(config, candidates=arguments.candidates)
    split = "val" if arguments.tune else "test"
    clips = choose_clips(captioned_clips(corpora, split), arguments.clips)
    if arguments.tune:
        report |= tune(describe(MotionGenerator.from_pretrained(folder), clips, config), clips)
    else:
        generator = MotionGenerator.from_pretrained(folder)
        found = baselines(generator, corpora, clips, with_codes=arguments.codes)
        if not arguments.baselines_only:
            captions = describe(generator, clips, config)
            found[MODEL] = [caption.text for caption in captions]
            report["without_words"] = sum(caption.origin != "model" for caption in captions)
            report["caption_config"] = asdict(config)
        report |= measure(clips, found, generator.text_encoder, report["command"])
    report["cpu_seconds"] = time.process_time() - began
    with atomic_path(arguments.out) as path:
        path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{report['cpu_seconds']:.0f} CPU seconds, wrote {arguments.out}")


def command_of(arguments: argparse.Namespace) -> str:
    """The command that gives the report again, on a machine with data of its own."""
    words = ["python tools/measure_captions.py --data DATA/prepared"]
    words += [f"--clips {arguments.clips}", f"--out {arguments.out}"]
    if arguments.candidates is not None:
        words.append(f"--candidates {arguments.candidates}")
    switches = ("baselines_only", "codes", "tune")
    words += [f"--{name.replace('_', '-')}" for name in switches if vars(arguments)[name]]
    return " ".join(words)


def describe(
    generator: MotionGenerator, clips: Sequence[CaptionedClip], config: CaptionConfig
) -> list[MotionCaption]:
    """The model's captions, each with the same seed."""
    return [generator.caption(clip.motion(), config=config) for clip in clips]


def baselines(
    generator: MotionGenerator,
    corpora: Sequence[PreparedCorpus],
    clips: Sequence[CaptionedClip],
    *,
    with_codes: bool,
) -> dict[str, list[str]]:
    """Captions of the baselines."""
    alignment, _ = generator.shared_space()
    tokenizer = generator.tokenizer if with_codes else None
    known = KnownClips(captioned_clips(corpora, "train"), alignment, tokenizer)
    return known.baselines([clip.motion() for clip in clips])


def measure(
    clips: Sequence[CaptionedClip],
    found: Mapping[str, Sequence[str]],
    encoder: TextEncoder,
    command: str,
) -> Report:
    """All figures of all systems on all sets, and the paired comparisons with the model."""
    report: Report = {
        "systems": {name: text for name, text in BASELINES.items() if name in found},
        "rule": {},
        "protocols": {},
        "scores": {},
        "compared": {},
    }
    sets = clip_sets(clips, "test")
    whole = measure_systems(sets[WHOLE][0], found, encoder)
    for name, (chosen, places) in sets.items():
        scores = scores_of(chosen, places, whole, found, encoder)
        report["rule"][name] = rule_of(chosen)
        report["protocols"][name] = {
            kind: protocol.to_dict()
            for kind, protocol in suite_protocols(
                chosen, next(iter(scores.values())), encoder, command
            ).items()
        }
        report["scores"][name] = {
            system: {
                one.name: {"value": one.value, "interval": one.interval}
                for one in figures(chosen, own, encoder, command)
            }
            for system, own in scores.items()
        }
        report["compared"][name] = compared(chosen, scores)
        print_scores(chosen, report["scores"][name], report["rule"][name])
    stride = max(1, len(clips) // SHOWN)
    report["captions"] = [
        {"clip": clip.clip_id, "reference": clip.captions[0]}
        | {name: texts[k] for name, texts in found.items()}
        for k, clip in enumerate(clips)
        if k % stride == 0
    ]
    return report


def scores_of(
    chosen: ClipSet,
    places: Sequence[int],
    whole: Mapping[str, Scores],
    found: Mapping[str, Sequence[str]],
    encoder: TextEncoder,
) -> dict[str, Scores]:
    """Scores on a set; people's words are references of their own."""
    if chosen.name == PEOPLE:
        texts = {name: [rows[k] for k in places] for name, rows in found.items()}
        return measure_systems(chosen, texts, encoder)
    return subset_scores(whole, chosen, places, found)


def rule_of(chosen: ClipSet) -> Report | None:
    """How far the rule of content accuracy can be trusted on a set; None: too few references."""
    try:
        return asdict(check_rule(chosen.references))
    except RequestError:
        return None


def compared(chosen: ClipSet, scores: Mapping[str, Scores]) -> dict[str, list[Report]]:
    """Paired comparisons of the model with every baseline."""
    if MODEL not in scores:
        return {}
    return {
        name: [asdict(r) for r in compare(chosen, own, scores[MODEL], (name, MODEL))]
        for name, own in scores.items()
        if name != MODEL
    }


def print_scores(chosen: ClipSet, scores: Mapping[str, Any], rule: Report | None) -> None:
    """One table a set."""
    print(f"\n{chosen.name}: {len(chosen.clip_ids)} clips")
    names = ("BLEU-1", "BLEU-4", "ROUGE-L", "CIDEr", "Text cosine", "Token F1", "Content accuracy")
    print(f"{'':14}" + "".join(f"{name:>17}" for name in names))
    for system, rows in scores.items():
        values = [f"{rows[n]['value']:17.3f}" if n in rows else f"{'-':>17}" for n in names]
        print(f"{system:14}" + "".join(values))
    if rule is not None:
        print(f"rule: own references {rule['own']:.3f}, those of other clips {rule['other']:.3f}")


def tune(captions: Sequence[MotionCaption], clips: Sequence[CaptionedClip]) -> Report:
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


def _row(config: CaptionConfig, texts: list[str], clips: Sequence[CaptionedClip]) -> Report:
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
