"""The average of two language models: what is shared is mixed, what is new is kept."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from made_checkpoints import write_checkpoint

from motion.errors import ConfigError
from motion.generate import load_language_model

TOOL = Path(__file__).resolve().parents[2] / "tools" / "average_weights.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("average_weights", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_point_between_two_models(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, seed in (("later", 1), ("before", 2)):
        write_checkpoint(tmp_path / name, seed)
    arguments = ["--language", "later/language", "--before", "before/language"]
    arguments += ["--share", "0.25", "--out", "mixed/language"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["average_weights.py", *arguments])
    tool.main()
    later, before, mixed = (
        load_language_model(tmp_path / name / "language").model.state_dict()
        for name in ("later", "before", "mixed")
    )
    name = "head.read.weight"
    expected = 0.25 * later[name] + 0.75 * before[name]
    assert torch.allclose(mixed[name], expected, atol=2e-3)
    for kept in ("special.weight", "copying.query.weight"):
        assert torch.allclose(mixed[kept], later[kept], atol=1e-3)
    words = next(n for n in later if "embed_tokens" in n)
    assert torch.allclose(mixed[words], later[words], atol=1e-3)


def test_what_does_not_fit_is_refused(tool: ModuleType):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        tool.averaged({}, {}, 1.5)
    with pytest.raises(ConfigError, match="has shape"):
        tool.averaged({"a": torch.zeros(2)}, {"a": torch.zeros(3)}, 0.5)
