"""Backbones are compared on made corpora, and a report is completed instead of begun anew."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest
from made_checkpoints import write_tokenizer
from made_corpora import write_prepared
from made_models import make_tokenizer
from made_weights import make_e5_file

from motion.conditioners.baking import CACHE_VARIABLE, bake_folder
from motion.conditioners.e5 import MULTILINGUAL_E5_SMALL, bake_e5
from motion.tasks.examples import TaskExample, write_examples

TOOLS = Path(__file__).resolve().parents[2] / "tools"

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*no `val_dataloader`:UserWarning"),
]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    monkeypatch.setenv("PL_GLOBAL_SEED", "0")  # what the tool sets is unset again
    return importlib.import_module("compare_backbones")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    bake_folder(MULTILINGUAL_E5_SMALL.folder, lambda empty: bake_e5(make_e5_file()[0], empty))
    write_prepared(tmp_path / "prepared/made")
    write_tokenizer(tmp_path / "tokenizer", make_tokenizer())
    examples = [
        TaskExample(
            task="decompose_task",
            fields={"scene": f"a room with {n} chairs", "task": "sit down"},
            answer=f"1. walk to chair {n} 2. sit down",
            thought=None,
            group=f"room{n}",
        )
        for n in range(6)
    ]
    for split in ("train", "val"):
        write_examples(examples, tmp_path / f"prepared/plans/{split}.jsonl")
        captions = tmp_path / f"prepared/plans/{split}_captions.txt"
        captions.write_text("a man walks\na man sits\n", "utf-8")
    return tmp_path


def test_backbones_are_trained_alike_and_put_in_a_table(tool: ModuleType, workplace: Path):
    page = workplace / "page.md"
    page.write_text(f"# Backbones\n\n{tool.START}\n{tool.END}\n", "utf-8")
    arguments = [
        *("--data", str(workplace / "prepared"), "--corpora", "made"),
        *("--tokenizer", str(workplace / "tokenizer"), "--cache", str(workplace / "runs")),
        *("--steps", "5", "--steps-per-batch", "60", "--pieces", "300", "--joined", "8"),
        *("--out", str(workplace / "report.json"), "--docs", str(page)),
    ]
    tool.main([*arguments, "--backbones", "tiny-t5"])
    first = json.loads((workplace / "report.json").read_text("utf-8"))
    tool.main([*arguments, "--backbones", "tiny-t5,tiny,tiny-gpt2"])
    report = json.loads((workplace / "report.json").read_text("utf-8"))
    assert report["backbones"][0] == first["backbones"][0]  # not trained a second time
    assert [row["name"] for row in report["backbones"]] == ["tiny-t5", "tiny", "tiny-gpt2"]
    for row in report["backbones"]:
        assert set(tool.KINDS) <= set(row["validation"])
        assert row["cpu_seconds_per_step"] > 0
        assert 0.2 < row["pieces_per_character"] < 1
        assert row["trained_parameters"] == row["parameters"]
    lines = page.read_text("utf-8").splitlines()
    assert len([line for line in lines if line.startswith("| `tiny")]) == 3
    assert lines[-1] == tool.END
    with pytest.raises(SystemExit, match="another protocol"):
        tool.main([*arguments, "--backbones", "tiny", "--seed", "1"])
