"""The schema of annotations: what is written can be read, what is wrong is named."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motion.errors import FormatError
from motion.generate.curation import (
    Action,
    ClipCaption,
    LeftOut,
    PoseConfidence,
    VideoAnnotation,
    problems_of,
    read_annotation,
    write_annotation,
)


def action(start: float, end: float, **changes: Any) -> Action:
    caption = ClipCaption(
        detail="a person walks forward, then waves",
        steps=("walk forward", "wave"),
        summaries=("greet somebody", "walk up to somebody"),
        confidence=0.4,
    )
    values: dict[str, Any] = {
        "start": start,
        "end": end,
        "motion": "kitchen_clip000.npz",
        "captions": (replace(caption, **changes),),
        "source": "blazepose 12",
        "model": "rules",
        "prompt_version": "1",
        "confidence": PoseConfidence(presence=0.9, visibility=0.8, seen=1.0),
    }
    return Action(**values)


SOUND = VideoAnnotation(
    name="kitchen",
    fps=25.0,
    duration=20.0,
    split="train",
    scenes=("a kitchen with a table",),
    actions=(action(0.0, 9.6), action(9.6, 12.0)),
    left_out=(LeftOut(start=12.5, end=13.0, reason="shorter than 1 s"),),
    fingerprint="abc",
)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "kitchen.json"
    write_annotation(SOUND, path)
    assert read_annotation(path) == SOUND
    values = json.loads(path.read_text("utf-8"))
    assert {"name", "fps", "duration", "scenes", "actions"} <= set(values)
    row = values["actions"][0]
    assert {"start", "end", "captions", "source", "model", "prompt_version"} <= set(row)
    assert set(row["captions"][0]) == {"detail", "steps", "summaries", "confidence"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(SOUND, actions=(action(0, 9.6), action(9.0, 12))), "action 2 starts at 9.0 s"),
        (replace(SOUND, actions=(action(5, 6), action(0, 1))), "action 2 starts at 0 s"),
        (replace(SOUND, actions=(action(3, 3),)), "action 1 ends at 3 s"),
        (replace(SOUND, actions=(action(0, 30),)), "after the film"),
        (replace(SOUND, duration=float("nan")), "duration is nan"),
        (replace(SOUND, actions=(action(0, 1, steps=()),)), "action 1: there are 0 steps"),
        (replace(SOUND, actions=(action(0, 1, steps=("w " * 11,)),)), "step 1"),
        (replace(SOUND, actions=(action(0, 1, summaries=()),)), "action 1 has no summary"),
        (replace(SOUND, actions=(action(0, 1, summaries=("a " * 31 + "b",)),)), "summary"),
        (replace(SOUND, actions=(action(0, 1, summaries=("Walk.", "walk")),)), "twice"),
        (replace(SOUND, actions=(action(0, 1, detail="who is it?"),)), "asks a question"),
        (replace(SOUND, actions=(replace(action(0, 1), captions=()),)), "has no caption"),
        (replace(SOUND, scenes=("x " * 21,)), "scene"),
        (replace(SOUND, scenes=("a kitchen", "A kitchen.")), "scene: a text stands there twice"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, wrong: VideoAnnotation, said: str) -> None:
    assert problems_of(SOUND) == ()
    assert any(said in problem for problem in problems_of(wrong))
    with pytest.raises(FormatError, match="the annotation of kitchen is not sound"):
        write_annotation(wrong, tmp_path / "kitchen.json")
    assert list(tmp_path.iterdir()) == []


def _without(values: dict[str, Any]) -> None:
    del values["actions"][0]["captions"][0]["steps"]


def _unknown(values: dict[str, Any]) -> None:
    values["actions"][0]["mood"] = "happy"


def _version(values: dict[str, Any]) -> None:
    values["format_version"] = 7


def _unsound(values: dict[str, Any]) -> None:
    values["actions"][1]["start"] = 2.0


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (_without, "cannot be read|no annotation"),
        (_unknown, "mood"),
        (_version, "format_version is 7"),
        (_unsound, "is not sound: action 2 starts"),
    ],
)
def test_a_broken_file_is_refused(
    tmp_path: Path, break_it: Callable[[dict[str, Any]], None], said: str
) -> None:
    path = tmp_path / "kitchen.json"
    write_annotation(SOUND, path)
    values = json.loads(path.read_text("utf-8"))
    break_it(values)
    path.write_text(json.dumps(values), "utf-8")
    with pytest.raises(FormatError, match=said):
        read_annotation(path)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("walk", "utf-8")
    with pytest.raises(FormatError, match="no annotation that can be read"):
        read_annotation(tmp_path / "a.json")
    (tmp_path / "b.json").write_text("[1]", "utf-8")
    with pytest.raises(FormatError, match="no annotation that can be read"):
        read_annotation(tmp_path / "b.json")
