"""``motion train`` from the command line to loadable release folders."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from made_training import CONFIGS, UPPER, log_and_keep, logged, make_workplace, train

from motion.conditioners.baking import CACHE_VARIABLE
from motion.errors import ConfigError
from motion.generate import MotionGenerator, load_language_model
from motion.representation import PARTS
from motion.tokenizer import MotionTokenizer, PartTokenizer
from motion.train import STAGES, main

pytestmark = [
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*Checkpoint directory .* exists:UserWarning"),
    pytest.mark.filterwarnings("ignore:The dirpath has changed:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory):
    """Working folder with prepared corpora and trained tokenizers of both body parts."""
    folder = tmp_path_factory.mktemp("workplace")
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder / "cache"))
        patch.delenv("PL_GLOBAL_SEED", raising=False)
        patch.chdir(folder)
        make_workplace(folder)
        assert train("tokenizer", folder) == 0
        assert train("tokenizer", folder, *UPPER) == 0
        yield folder
    os.environ.pop("PL_GLOBAL_SEED", None)
    assert Path.cwd() == before


def compare_resumed(stage: str, workplace: Path, losses: set[str], *arguments: str) -> None:
    """Stop after two of four steps, go on from the checkpoint, expect the same to the bit."""
    whole, resumed = workplace / f"{stage}-whole", workplace / f"{stage}-resumed"
    assert train(stage, workplace, *log_and_keep(stage, whole, 4, 2), *arguments) == 0
    kept = whole / "checkpoints/step=2.ckpt"
    assert torch.load(kept, weights_only=True)["global_step"] == 2
    rest = [*log_and_keep(stage, resumed, 4, 2), "--ckpt_path", str(kept), *arguments]
    assert train(stage, workplace, *rest) == 0
    expected, found = logged(whole), logged(resumed)
    assert sorted(expected) == [0, 1, 2, 3]
    assert sorted(found) == [2, 3]
    for step in found:
        assert found[step] == expected[step]
    assert losses <= set(expected[3])
    states = [
        torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
        for folder in (whole, resumed)
    ]
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_every_debug_config_is_of_a_stage():
    """Tokenizer and language model are trained here, alignment in its own test."""
    assert {path.stem for path in (CONFIGS / "debug").glob("*.yaml")} == set(STAGES)


def test_debug_tokenizers_are_loadable_and_took_the_statistics(workplace: Path):
    tokenizer = MotionTokenizer.load(workplace / "runs/debug/tokenizer")
    assert tokenizer.part_names == ("lower", "upper")
    for name in tokenizer.part_names:
        part = tokenizer.part(name)
        assert 0 < part.std.min() < 1
        assert bool(part.quantizer.initialised.all())
        assert torch.isfinite(part.quantizer.codebooks).all()


@pytest.mark.parametrize("backbone", ["tiny", "tiny-t5"])
def test_debug_language_model_generates(workplace: Path, backbone: str):
    chosen = f"--model.language_model.backbone.source={backbone}"
    assert train("language", workplace, chosen) == 0
    release = workplace / "runs/debug"
    (release / "config.yaml").write_text(yaml.safe_dump({"fps": 30}), "utf-8")
    motion = MotionGenerator.from_pretrained(release).generate(text="a", seconds=2).motion
    assert motion.num_frames == 60
    assert torch.isfinite(motion.full_pose).all()
    model = load_language_model(release / "language").model
    assert model.condition_std.min() > 0
    assert not torch.equal(model.pooled_mean, torch.zeros_like(model.pooled_mean))


def test_resumed_tokenizer_goes_on_exactly(workplace: Path):
    """Quantizer dropout on: chance must be the same after a restart, too."""
    compare_resumed(
        "tokenizer",
        workplace,
        {"train/features", "train/joints", "train/perplexity_0", "val/mpjpe_mm", "val/world_mm"},
        "--model.tokenizer.quantizer.dropout=0.5",
    )


def test_resumed_language_model_goes_on_exactly(workplace: Path):
    compare_resumed(
        "language", workplace, {"train/codes", "val/codes", "val/codes_without_text", "val/lower_0"}
    )


@pytest.mark.parametrize("part", ["left_hand", "face"])
def test_hands_and_face_are_a_config_and_data_away(workplace: Path, part: str):
    options = (option.replace("upper", part) for option in UPPER)
    assert train("tokenizer", workplace, *options, "--data.corpora=[whole]") == 0
    made = workplace / "runs/debug/tokenizer" / part
    tokenizer = PartTokenizer.load(made)
    shutil.rmtree(made)  # the other tests are about the body
    assert tokenizer.config.part == part
    assert 0 < tokenizer.std.min() < 1
    features = torch.randn(1, 12, PARTS[part].feature_dim)
    assert tokenizer.decode(tokenizer.encode(features)).shape == features.shape


def test_a_tokenizer_goes_on_from_a_release(workplace: Path, capsys: pytest.CaptureFixture[str]):
    start, out = workplace / "runs/debug/tokenizer", workplace / "continued"
    export = {"class_path": "motion.train.export.ExportWeights", "init_args": {"folder": str(out)}}
    options = (
        f"--model.start_from={start}",
        "--model.optimizer.learning_rate=1e-5",
        "--model.tokenizer.quantizer.decay=1.0",
        "--data.corpora=[made, whole]",
        f"--trainer.callbacks=[{json.dumps(export)}]",
    )
    assert train("tokenizer", workplace, *options) == 0
    before, after = PartTokenizer.load(start / "lower"), PartTokenizer.load(out / "lower")
    assert torch.equal(after.mean, before.mean)  # what the weights mean does not change
    assert torch.equal(after.std, before.std)
    changes = [
        float((value - before.state_dict()[name]).abs().max())
        for name, value in after.encoder.named_parameters(prefix="encoder")
    ]
    assert 0 < max(changes) < 1e-3
    assert torch.equal(after.quantizer.codebooks, before.quantizer.codebooks)
    assert train("tokenizer", workplace, *options, "--model.tokenizer.refiner_width=4") == 2
    assert "has other sizes than model.tokenizer" in capsys.readouterr().err


def test_low_rank_training_exports_a_plain_model(workplace: Path):
    out = workplace / "low-rank"
    export = {"class_path": "motion.train.export.ExportWeights", "init_args": {"folder": str(out)}}
    keep = log_and_keep("language", out, 2, 2)
    arguments = [
        *keep,
        "--model.language_model.backbone.lora_rank=2",
        f"--trainer.callbacks+={export}",
    ]
    assert train("language", workplace, *arguments) == 0
    loaded = load_language_model(out / "language").model
    assert not [name for name, _ in loaded.named_parameters() if "lora" in name]
    assert loaded.config.backbone.lora_rank in (0, 2)
    state = torch.load(out / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    updates = [name for name in state if ".lora_B." in name]
    assert updates
    assert any(state[name].any() for name in updates)  # they were trained


def test_wrong_stages_and_options_are_told(workplace: Path, capsys: pytest.CaptureFixture[str]):
    for args in ([], ["decoder", "fit"]):
        with pytest.raises(ConfigError, match="one of"):
            main(args)
    capsys.readouterr()
    for argument, said in (
        ("--model.tokenizer.part=tail", "tail"),
        ("--data.window=25", "data.window"),
        ("--data.corpora=[made, lost, gone]", "lost"),
    ):
        assert train("tokenizer", workplace, argument) == 2
        message = capsys.readouterr().err.strip().splitlines()[-1]
        assert message.startswith("motion: error:")
        assert said in message
