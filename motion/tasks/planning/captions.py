"""Real captions of motions: cleaned sentences, and those of several clauses as steps of a task."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from motion.errors import DataError, PlanError
from motion.tasks.examples import SPLITS, TaskExample
from motion.tasks.planning.parsing import format_steps
from motion.tasks.planning.wording import plain

FILES: tuple[str, ...] = ("humanml3d_captions.jsonl.gz", "kitml_captions.jsonl.gz")
"""Captions of HumanML3D (Guo et al. 2022) and KIT-ML (Plappert et al. 2016), a JSON object a
clip with ``id``, ``split`` (the official one) and ``captions`` (``text``)."""
FEWEST_WORDS = 3
MOST_WORDS = 25
_VERBS = (
    "walk run jog turn jump hop sit stand raise lift lower wave kick punch bend squat crouch "
    "step pick put place throw catch push pull reach stretch swing move bow kneel crawl climb "
    "dance spin rotate lean clap point touch grab take drink wipe wash shake nod march skip "
    "leap sneak stop pause return stumble balance lie roll look wait start continue hold drop "
    "open close stomp dodge duck shuffle strafe stroll pace sprint slide twist rub scratch "
    "knock cross extend bring straighten fall get go lay hit toss dribble juggle salute cheer "
    "play sway limp "
)
_FIRST = re.compile(
    r"^(?:a|an|the|one|this|some)?\s*(?:\w+\s+)?(?:person|man|woman|human|figure|someone|somebody"
    r"|character|individual|guy|he|she|they|boy|girl|lady|sim)\s+(?:is\s+|was\s+)?"
)
_THEN = r"(?:and\s+then|then|and\s+afterwards|and\s+finally|and)"
_BREAK = re.compile(
    rf"(?:\s*,(?:\s+{_THEN})?|\s+{_THEN})\s+"
    r"(?:(?:he|she|they|it|then|afterwards|finally|the person|a person|the man)\s+)*(?:is\s+)?"
)
_DOUBTFUL = re.compile(
    r"\b(?:while|as|before|after|until|if|who|which|that|because|or|but|when|during|like|not|"
    r"something|seems?|appears?|himself|herself|themselves|itself|him|them|being|starts?|continues?|"
    r"they|he|she|person|man|same time|simultaneously|gets? \w+ed|it started)\b"
)
_NEEDS_OBJECT = (
    "raise lower lift pick put place throw push pull grab take bring hold rub extend cross drop "
    "catch touch hit toss straighten"
)
"""Verbs that say nothing without what is raised, put, ..."""
_FINITE = re.compile(
    r"\b(?:gets|stands|sits|walks|runs|moves|goes|stops|raises|lowers|lifts|picks|puts|throws|takes|"
    r"bends|swings|crawls|climbs|leans|looks|brings|returns|is|are|does|makes|falls|lies|kneels)\b"
)
"""Verbs inside a clause: it has two subjects or two verbs and is no single step."""
_OWN = re.compile(r"\b(?:his|her|their|its)\b")
_CLEAN = re.compile(r"[a-z0-9 ,'-]+")


def _forms() -> dict[str, str]:
    forms: dict[str, str] = {}
    for verb in _VERBS.split():
        ends_in_e = verb.endswith("e") and verb not in ("lie",)
        third = f"{verb}es" if re.search(r"(s|x|z|ch|sh|go)$", verb) else f"{verb}s"
        third = re.sub(r"([^aeiou])ys$", r"\1ies", third)
        doubled = re.search(r"[^aeiou][aeiou][bdgklmnpt]$", verb) and verb not in ("open", "lower")
        stem = verb[:-1] if ends_in_e else verb + (verb[-1] if doubled else "")
        stem = "ly" if verb == "lie" else stem
        forms |= {verb: verb, third: verb, f"{stem}ing": verb}
    return forms


_FORMS = _forms()


@dataclass(frozen=True, kw_only=True)
class Caption:
    """One cleaned sentence."""

    clip: str
    split: str
    text: str


def read_captions(folder: Path) -> list[Caption]:
    """Read all captions, each sentence once; one of several splits stays in the held-out one.

    Raises:
        DataError: A file is missing or a line is not as described.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder} lacks {' and '.join(missing)}; give the folder of the captions")
    found: dict[str, Caption] = {}
    for name in FILES:
        for caption in _read_file(folder / name):
            old = found.get(caption.text)
            if old is None or SPLITS.index(caption.split) > SPLITS.index(old.split):
                found[caption.text] = caption
    return list(found.values())


def _read_file(path: Path) -> Iterator[Caption]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                clip = json.loads(line)
                texts = [caption["text"] for caption in clip["captions"]]
                name, split = f"{path.name.split('_')[0]}/{clip['id']}", clip["split"]
                SPLITS.index(split)
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"{path}, line {number}: not the captions of a clip: {error}"
                ) from error
            cleaned = (clean_caption(text) for text in texts)
            yield from (Caption(clip=name, split=split, text=text) for text in cleaned if text)


def clean_caption(text: str) -> str | None:
    """One lower-case sentence of 3 to 25 words, or None."""
    text = plain(text)
    count = len(text.split())
    if _CLEAN.fullmatch(text) is None or not FEWEST_WORDS <= count <= MOST_WORDS:
        return None
    return text


def clauses(text: str) -> tuple[str, ...] | None:
    """The clauses of a caption as commands, or None where there is a doubt.

    Each clause must begin with a known verb, and none may hang on another one (``while``,
    ``before``) or speak of somebody else.
    """
    subject = _FIRST.match(text)
    if subject is None:
        return None
    steps = []
    for clause in _BREAK.split(text[subject.end() :]):
        words = clause.split()
        verb = _FORMS.get(words[0]) if words else None
        if verb is None or _DOUBTFUL.search(clause) or _FINITE.search(" ".join(words[1:])):
            return None
        if len(words) == 1 and verb in _NEEDS_OBJECT.split():
            return None
        steps.append(_OWN.sub("the", " ".join([verb, *words[1:]])))
    if len(steps) < 2 or any(a == b for a, b in pairwise(steps)):
        return None
    return tuple(steps)


def caption_examples(captions: list[Caption], split: str) -> Iterator[TaskExample]:
    """Captions of several clauses as tasks with steps, both ways."""
    for caption in captions:
        steps = clauses(caption.text) if caption.split == split else None
        if steps is None:
            continue
        try:
            text = format_steps(steps)
        except PlanError:
            continue
        verbs = ", ".join(step.split()[0] for step in steps)
        yield TaskExample(
            task="decompose_task",
            fields={"task": caption.text},
            answer=text,
            thought=f"{len(steps)} moves in this order: {verbs}.",
            group=caption.clip,
        )
        yield TaskExample(
            task="summarize_steps", fields={"steps": text}, answer=caption.text, group=caption.clip
        )
