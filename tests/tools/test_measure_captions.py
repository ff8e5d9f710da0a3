"""The report on captions, of a tiny release and tiny corpora."""

import importlib
import json
import sys
from pathlib import Path

import pytest
from made_checkpoints import write_checkpoint
from made_corpora import write_prepared
from made_motions import make_walk
from made_release import write_space
from made_weights import make_e5_file

from motion.conditioners.baking import CACHE_VARIABLE, bake_folder
from motion.conditioners.e5 import MULTILINGUAL_E5_SMALL, bake_e5
from motion.errors import DataError
from motion.evaluate.protocol import Protocol
from motion.formats import write_npz

TOOLS = Path(__file__).resolve().parents[2] / "tools"
CORPORA = ("bandai", "cmu", "cc0")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """A folder with a release and prepared corpora; gives a function that runs the tool."""
    folder = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder / "cache"))
        patch.syspath_prepend(str(TOOLS))
        bake_folder(MULTILINGUAL_E5_SMALL.folder, lambda f: bake_e5(make_e5_file()[0], f))
        write_checkpoint(folder / "release")
        (folder / "release" / "walks").mkdir()
        write_npz(make_walk(45), folder / "release" / "walks" / "walk.npz")
        write_space(folder / "release", ["text"])
        for name in CORPORA:
            write_prepared(folder / "data" / name, name)
        module = importlib.import_module("measure_captions")

        def run(*arguments: str, data: str = "data") -> dict:
            command = ["--data", str(folder / data), "--checkpoint", str(folder / "release")]
            out = folder / "report.json"
            patch.setattr(sys, "argv", ["measure", *command, "--out", str(out), *arguments])
            module.main()
            return json.loads(out.read_text("utf-8"))

        yield run


def test_report(made):
    report = made("--candidates", "2", "--codes")
    systems = {"nearest", "nearest_any", "nearest_codes", "random", "frequent", "model"}
    assert set(report["scores"]) == {"all", *CORPORA}
    for name, scores in report["scores"].items():
        assert set(scores) == systems
        assert set(report["protocols"][name]) == {"words", "meaning", "content"}
        for values in report["protocols"][name].values():
            assert Protocol.from_dict(values).num_samples == (3 if name == "all" else 1)
    content = report["scores"]["all"]["nearest"]["Content accuracy"]
    assert 0 <= content["interval"][0] <= content["value"] <= content["interval"][1] <= 1
    assert report["without_words"] <= 3
    assert report["caption_config"]["candidates"] == 2
    first, last = report["command"].split(" --out ")
    assert first == "python tools/measure_captions.py --data DATA/prepared --clips 150"
    assert last.endswith("--candidates 2 --codes")
    row = report["captions"][0]
    assert row["reference"] == "someone bows"
    assert set(row) == {"clip", "reference", *systems}


def test_baselines_need_no_captions_of_the_model(made):
    report = made("--baselines-only")
    assert set(report["scores"]["all"]) == {"nearest", "nearest_any", "random", "frequent"}
    assert report["compared"]["all"] == {}


def test_tuning_looks_at_validation_clips_alone(made):
    report = made("--tune", "--candidates", "3")
    assert report["num_clips"] == 6
    assert report["best"] in report["settings"]
    assert {row["similarity_weight"] for row in report["settings"]} >= {0.0, 4.0}
    assert max(row["mean"] for row in report["settings"]) == report["best"]["mean"]


def test_missing_corpora(made):
    with pytest.raises(DataError, match="no prepared corpus in"):
        made(data="nowhere")
