"""State on disk: exact round trip, one sentence for files that do not fit."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from made_motions import make_walk

from motion.errors import FormatError, RequestError
from motion.generate.progress import (
    Carried,
    Progress,
    ProgressFile,
    Segment,
    joined,
    no_motion,
)
from motion.generate.stretches import Stretch
from motion.generate.task_loop import PlannedTask

REQUEST = {"task": "walk", "seconds": 4.0}


def store(tmp_path: Path, request: dict | None = None, fingerprint: str = "f") -> ProgressFile:
    return ProgressFile(tmp_path / "walk.json", request or REQUEST, fingerprint)


def segment(index: int) -> Segment:
    return Segment(
        index=index,
        kind="step",
        text="walk",
        task="go",
        start_frame=30 * index,
        num_frames=30,
        transition_frames=3,
        goes_on=False,
        seed=index,
        caption="a person walks",
    )


PROGRESS = Progress(
    segments=(segment(0),),
    tasks=(PlannedTask(task="go", steps=("walk", "turn"), fallback=("task",)),),
    queue=(Stretch(kind="step", text="turn", num_frames=None, task="go"),),
    started=True,
    emitted_frames=30,
    laid=(0,),
    warnings=("no face",),
)


def test_what_is_written_is_read(tmp_path: Path):
    walk = make_walk(60)
    carried = Carried(tail=walk.frames(0, 30), waiting=no_motion())
    first = store(tmp_path)
    assert first.load() is None
    first.commit(PROGRESS, walk.frames(0, 30), carried)
    more = replace(PROGRESS, segments=(segment(0), segment(1)), queue=(), finished=True)
    first.commit(more, walk.frames(30, 60), replace(carried, waiting=walk.frames(50, 60)))
    second = store(tmp_path)
    found = second.load()
    assert found is not None
    assert found[0] == more
    assert found[1] is not None
    assert torch.equal(found[1].tail.full_pose, walk.full_pose[:30])
    assert torch.equal(found[1].waiting.transl, walk.transl[50:60])
    whole = joined(list(second.pieces()))
    assert torch.equal(whole.full_pose, walk.full_pose)
    assert torch.equal(whole.transl, walk.transl)
    assert sorted(path.name for path in second.folder.iterdir()) == [
        "piece-000000.npz",
        "piece-000001.npz",
        "tail-000001.npz",
        "waiting-000001.npz",
    ]


def test_a_piece_without_frames_has_no_file(tmp_path: Path):
    walk = make_walk(30)
    one = store(tmp_path)
    one.commit(PROGRESS, no_motion(), Carried(tail=walk, waiting=walk))
    two = store(tmp_path)
    two.load()
    assert [piece.num_frames for piece in two.pieces()] == [0]


def test_another_composition_is_refused(tmp_path: Path):
    walk = make_walk(30)
    store(tmp_path).commit(PROGRESS, walk, Carried(tail=walk, waiting=no_motion()))
    with pytest.raises(RequestError, match=r"its seconds was 4\.0, now it is 5\.0"):
        store(tmp_path, {**REQUEST, "seconds": 5.0}, "g").load()
    with pytest.raises(RequestError, match="it was made with other weights"):
        store(tmp_path, REQUEST, "g").load()


def test_damaged_states_are_one_sentence(tmp_path: Path):
    walk = make_walk(30)
    one = store(tmp_path)
    one.commit(PROGRESS, walk, Carried(tail=walk, waiting=no_motion()))
    text = one.path.read_text("utf-8")
    values = json.loads(text)
    broken = [
        text[:100],
        "7",
        json.dumps({**values, "format": 9}),
        json.dumps({**values, "pieces": []}),
        json.dumps({**values, "progress": {}}),
        json.dumps({**values, "progress": {**values["progress"], "segments": [{}]}}),
    ]
    for content in broken:
        one.path.write_text(content, "utf-8")
        with pytest.raises(FormatError, match="delete it to start anew"):
            store(tmp_path).load()
    one.path.write_text(text, "utf-8")
    (one.folder / "tail-000000.npz").unlink()
    with pytest.raises(FormatError, match=r"needs .*tail-000000\.npz, which is gone"):
        store(tmp_path).load()


def test_the_state_is_json(tmp_path: Path):
    with pytest.raises(RequestError, match=r"the state is kept in a \.json file"):
        ProgressFile(tmp_path / "walk.npz", REQUEST, "f")
