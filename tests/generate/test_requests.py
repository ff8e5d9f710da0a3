import math
from pathlib import Path

import pytest
import torch
from made_motions import make_walk

from motion.errors import OutputError, RequestError
from motion.generate import GenerationRequest, GenerationResult
from motion.generate.requests import LONGEST_SECONDS, LONGEST_TEXT, SHORTEST_SECONDS
from motion.language import SamplingConfig


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"text": ""}, "empty"),
        ({"text": " \t\n"}, "empty"),
        ({"text": "walk " * 2000}, "10000 characters"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": 0.49}, "seconds"),
        ({"seconds": 601.0}, "600"),
        ({"seconds": math.nan}, "nan"),
        ({"seconds": math.inf}, "inf"),
        ({"seconds": -math.inf}, "inf"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_sentence(values: dict, said: str):
    with pytest.raises(RequestError, match=said) as caught:
        GenerationRequest(**{"text": "a person walks", **values})
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 200


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"guidance": math.inf},
        {"guidance": -1.0},
    ],
)
def test_sampling_is_checked(values: dict):
    with pytest.raises(RequestError, match=next(iter(values))):
        SamplingConfig(**values)


def test_limits_themselves_are_allowed():
    request = GenerationRequest(text="x" * LONGEST_TEXT, seconds=SHORTEST_SECONDS, seed=2**63 - 1)
    assert request.num_frames == 15
    assert GenerationRequest(text="x", seconds=LONGEST_SECONDS).num_frames == 18_000
    assert GenerationRequest(text="x").num_frames is None


def test_result_is_saved_by_suffix_and_tells_wrong_ones(tmp_path: Path):
    result = GenerationResult(motion=make_walk(15), text="a person walks", seed=0, timings={})
    for suffix in (".npz", ".bvh", ".glb", ".html"):
        path = result.save(tmp_path / "new" / f"walk{suffix}")
        assert path.stat().st_size > 1000
    assert "a person walks" in (tmp_path / "new/walk.html").read_text("utf-8")
    with pytest.raises(RequestError, match="fbx"):
        result.save(tmp_path / "walk.fbx")
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(OutputError, match="file"):
        result.save(tmp_path / "file" / "walk.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "new"]
    assert torch.isfinite(result.motion.full_pose).all()
