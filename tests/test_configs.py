"""Every training configuration parses through the real command line."""

from pathlib import Path

import pytest
import yaml

from motion.representation import PARTS
from motion.tokenizer import PartTokenizer, PartTokenizerConfig
from motion.train import STAGES, main

CONFIGS = Path(__file__).parents[1] / "configs"


def stage_of(path: Path) -> str:
    return path.stem if path.parent.name == "debug" else path.parent.name


FILES = sorted(path for path in CONFIGS.rglob("*.yaml") if stage_of(path) in STAGES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_config_parses(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["fit", "--config", str(path), "--data.root", str(tmp_path), "--print_config"]
    with pytest.raises(SystemExit) as stopped:
        main([stage_of(path), *arguments])
    assert not stopped.value.code
    parsed = yaml.safe_load(capsys.readouterr().out)
    written = yaml.safe_load(path.read_text("utf-8"))
    assert parsed["data"]["root"] == str(tmp_path)
    assert parsed["trainer"]["max_steps"] == written["trainer"]["max_steps"]
    steps = parsed["trainer"]["max_steps"]
    assert parsed["model"]["optimizer"]["total_steps"] >= steps  # the rate comes down by the end
    drawing = parsed["data"].get("drawing", parsed["data"])
    assert drawing["num_batches"] >= steps  # no batch comes twice


def test_every_stage_has_configs_and_every_part_a_tokenizer():
    assert {stage_of(path) for path in FILES} == set(STAGES)
    for part in PARTS:
        values = yaml.safe_load((CONFIGS / f"tokenizer/{part}.yaml").read_text("utf-8"))
        config = PartTokenizerConfig.from_dict(values["model"]["tokenizer"])
        assert (config.part, values["data"]["part"]) == (part, part)
        tokenizer = PartTokenizer(config)
        assert tokenizer.frames_per_code == 6  # one rate for all parts
        assert values["data"]["window"] % tokenizer.frames_per_code == 0
