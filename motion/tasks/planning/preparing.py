"""``motion prepare plans``: language data for planning, written as JSON lines."""

from collections import Counter
from pathlib import Path

from motion.errors import RequestError
from motion.formats.atomic import atomic_path
from motion.tasks.examples import SPLITS, TaskExample, write_examples
from motion.tasks.planning.captions import Caption, caption_examples, read_captions
from motion.tasks.planning.days import make_examples, question_of
from motion.tasks.planning.scenes import scene_kinds

DEFAULT_COUNT = 30000
"""Training examples of the grammar."""
HELD_OUT_SHARE = 8
"""One example of each held-out split to so many training ones."""


def prepare_plans(
    out: Path, *, source: Path | None = None, count: int = DEFAULT_COUNT, seed: int = 0
) -> str:
    """Write train, val and test examples, the captions, and a report.

    Args:
        out: Folder; made if needed.
        source: Folder with the captions of HumanML3D and KIT-ML; None: grammar only.
        count: Training examples of the grammar.
        seed: The same seed gives the same files.

    Returns:
        The report.

    Raises:
        RequestError: No example is asked for.
        DataError: The source is not such a folder.
    """
    if count < 1:
        raise RequestError(f"motion prepare plans needs at least one example, got {count}")
    captions = read_captions(source) if source is not None else []
    by_split = {split: _examples(split, captions, count, seed) for split in SPLITS}
    known = {question_of(example) for example in by_split["train"]}
    for split in SPLITS:
        if split != "train":
            by_split[split] = [e for e in by_split[split] if question_of(e) not in known]
            known |= {question_of(example) for example in by_split[split]}
        write_examples(by_split[split], out / f"{split}.jsonl")
        if captions:
            _write_lines([c.text for c in captions if c.split == split], out, split)
    report = write_report(by_split, captions)
    with atomic_path(out / "report.md") as target:
        target.write_text(report, "utf-8")
    return report


def _examples(split: str, captions: list[Caption], count: int, seed: int) -> list[TaskExample]:
    if split != "train":
        count = max(1, count // HELD_OUT_SHARE)
    return [*make_examples(split, count, seed), *caption_examples(captions, split)]


def _write_lines(lines: list[str], out: Path, split: str) -> None:
    with atomic_path(out / f"{split}_captions.txt") as target:
        target.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def write_report(by_split: dict[str, list[TaskExample]], captions: list[Caption]) -> str:
    """Counts, lengths and examples as Markdown."""
    everything = [example for examples in by_split.values() for example in examples]
    counts = {split: Counter(e.task for e in examples) for split, examples in by_split.items()}
    lines = [
        "# Plans",
        "",
        "| task | " + " | ".join(by_split) + " |",
        "|---|" + "---|" * len(by_split),
    ]
    for name in dict.fromkeys(example.task for example in everything):
        lines.append(
            f"| {name} | " + " | ".join(str(counts[split][name]) for split in by_split) + " |"
        )
    totals = " | ".join(str(len(examples)) for examples in by_split.values())
    lines += [f"| all | {totals} |", ""]
    kinds = Counter(kind.split for kind in scene_kinds().values())
    sentences = Counter(caption.split for caption in captions)
    distinct = len({(question_of(e), e.answer) for e in everything})
    lines += [
        f"- kinds of scene: {', '.join(f'{kinds[split]} {split}' for split in by_split)}",
        f"- captions: {', '.join(f'{sentences[split]} {split}' for split in by_split)}",
        f"- distinct share of (task, fields, answer): {distinct / max(1, len(everything)):.3f}",
        f"- mean words: payload {_mean([' '.join(e.fields.values()) for e in everything]):.1f}, "
        f"answer {_mean([e.answer for e in everything]):.1f}, "
        f"thought {_mean([e.thought for e in everything if e.thought]):.1f}",
        "",
    ]
    for name in dict.fromkeys(example.task for example in everything):
        lines += [f"## {name}", ""]
        for example in [e for e in by_split["train"] if e.task == name][:4]:
            fields = "; ".join(f"{field}: *{text}*" for field, text in example.fields.items())
            thought = f" [{example.thought}]" if example.thought else ""
            lines.append(f"- {fields} ->{thought} **{example.answer}**")
        lines.append("")
    return "\n".join(lines)


def _mean(texts: list[str]) -> float:
    return sum(len(text.split()) for text in texts) / max(1, len(texts))
