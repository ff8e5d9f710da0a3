"""Tuning of captions, on a tiny release and tiny corpora."""

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
        module = importlib.import_module("tune_captions")

        def run(*arguments: str, data: str = "data") -> dict:
            command = ["--data", str(folder / data), "--checkpoint", str(folder / "release")]
            out = folder / "report.json"
            patch.setattr(sys, "argv", ["measure", *command, "--out", str(out), *arguments])
            module.main()
            return json.loads(out.read_text("utf-8"))

        yield run


def test_tuning_looks_at_validation_clips_alone(made):
    report = made("--candidates", "3")
    assert report["num_clips"] == 6
    assert report["best"] in report["settings"]
    assert {row["similarity_weight"] for row in report["settings"]} >= {0.0, 4.0}
    assert max(row["mean"] for row in report["settings"]) == report["best"]["mean"]


def test_missing_corpora(made):
    with pytest.raises(DataError, match="expected prepared corpora in"):
        made(data="nowhere")
