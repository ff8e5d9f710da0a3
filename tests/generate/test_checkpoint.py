import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from made_checkpoints import write_checkpoint, write_encoder
from made_models import make_condition, make_language_model, make_tokenizer
from made_weights import WIDTH
from safetensors.torch import load_file, save_file

from motion.errors import WeightsError
from motion.generate import MotionGenerator, load_language_model, save_language_model
from motion.language import BackboneConfig, MotionLanguageModel
from motion.train.text_pieces import train_text_pieces


@pytest.fixture
def damaged(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of a good release folder, to be damaged."""
    return shutil.copytree(checkpoint, tmp_path / "damaged")


def logits_of(model: MotionLanguageModel) -> torch.Tensor:
    torch.manual_seed(1)
    codes = torch.randint(0, 12, (2, 4, len(model.vocabulary.streams)))
    condition = make_condition(dim=WIDTH)
    found = model(codes, torch.ones(2, 4, dtype=torch.bool), condition)
    return torch.cat([*found.codes, found.end[..., None]], dim=-1)


def test_what_is_saved_is_loaded(tmp_path: Path):
    model = write_checkpoint(tmp_path)
    loaded = load_language_model(tmp_path / "language")
    assert not loaded.model.training
    assert loaded.model.config == model.config
    assert loaded.model.vocabulary == model.vocabulary
    with torch.no_grad():
        half_precision = {"atol": 2e-2, "rtol": 1e-2}
        torch.testing.assert_close(logits_of(loaded.model), logits_of(model), **half_precision)
    assert loaded.text_pieces.decode(loaded.text_pieces.encode("walks ü").ids) == "walks ü"
    names = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert names == [
        "config.yaml",
        "language/config.yaml",
        "language/model.safetensors",
        "language/tokenizer.json",
        *(
            f"tokenizer/{part}/{name}"
            for part in ("lower", "upper")
            for name in ("config.yaml", "model.safetensors")
        ),
    ]


def test_floats_are_stored_in_half_precision_and_once(checkpoint: Path):
    state = load_file(checkpoint / "language/model.safetensors")
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.half}
    assert "backbone.lm_head.weight" not in state  # tied to the input embedding


def test_low_rank_updates_are_merged(tmp_path: Path):
    """What is loaded is a plain model that computes what the adapted one did."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    plain = make_language_model(tokenizer, condition_dim=WIDTH)
    config = replace(plain.config, backbone=BackboneConfig(source="tiny", lora_rank=2))
    model = MotionLanguageModel(config, plain.vocabulary.streams).eval()
    before = logits_of(model)
    updates = [p for name, p in model.named_parameters() if ".lora_B." in name]
    assert updates
    for update in updates:
        torch.nn.init.normal_(update, std=0.3)
    adapted = logits_of(model)
    assert (adapted - before).abs().max() > 0.1
    save_language_model(model, train_text_pieces(["walk"], 300), tmp_path)
    loaded = load_language_model(tmp_path).model
    assert not [name for name in loaded.state_dict() if "lora" in name or "base_layer" in name]
    torch.testing.assert_close(logits_of(loaded), adapted, atol=2e-2, rtol=1e-2)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def change_yaml(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}), "utf-8")

    return change


def drop_weight(path: Path) -> None:
    state = load_file(path)
    state.pop(sorted(state)[0])
    save_file(state, path)


def move_codebook(path: Path) -> None:
    state = load_file(path)
    state["quantizer.codebooks"] += 0.1
    save_file(state, path)


def garble(path: Path) -> None:
    path.write_text("{ not: [valid", "utf-8")


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("config.yaml", Path.unlink, "config.yaml"),
        ("config.yaml", garble, "config.yaml"),
        ("config.yaml", change_yaml(fps=20), "30 frames"),
        ("config.yaml", change_yaml(sampling={"temprature": 1.0}), "temprature"),
        ("config.yaml", change_yaml(sampling={"top_k": -1}), "top_k"),
        ("config.yaml", change_yaml(sampling=[1]), "sampling"),
        ("language/config.yaml", Path.unlink, "config.yaml"),
        ("language/config.yaml", garble, "language"),
        ("language/config.yaml", change_yaml(backbone=3), "language"),
        ("language/config.yaml", change_yaml(backbone={"model_type": "none"}), "none"),
        ("language/model.safetensors", Path.unlink, "model.safetensors"),
        ("language/model.safetensors", cut, "language"),
        ("language/model.safetensors", drop_weight, "missing"),
        ("language/tokenizer.json", garble, "language"),
        ("tokenizer/lower/model.safetensors", cut, "lower"),
        ("tokenizer/lower/model.safetensors", drop_weight, "lower"),
        ("tokenizer/lower/model.safetensors", Path.unlink, "lower"),
        ("tokenizer/lower/config.yaml", Path.unlink, "lower"),
        ("tokenizer/lower/config.yaml", garble, "lower"),
        ("tokenizer/upper/config.yaml", Path.unlink, "upper"),
        ("tokenizer/upper/model.safetensors", move_codebook, "codebooks of 'upper'"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_said_in_one_sentence(
    damaged: Path,
    encoder_folder: Path,
    name: str,
    damage: Callable[[Path], None],
    said: str,
):
    damage(damaged / name)
    with pytest.raises(WeightsError, match=said) as caught:
        MotionGenerator.from_pretrained(damaged, text_encoder=encoder_folder)
    assert "\n" not in str(caught.value)
    assert str(damaged) in str(caught.value)


def test_wrong_folders_are_told(tmp_path: Path, encoder_folder: Path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(WeightsError, match=r"config\.yaml"):
            MotionGenerator.from_pretrained(folder, text_encoder=encoder_folder)
        with pytest.raises(WeightsError, match="not found"):
            load_language_model(folder)


def test_text_encoder_must_be_as_wide_as_the_model_was_trained_with(
    tmp_path: Path, encoder_folder: Path, checkpoint: Path
):
    folder = shutil.copytree(checkpoint, tmp_path / "wide")
    tokenizer = make_tokenizer()
    for part in tokenizer.part_names:
        tokenizer.part(part).save(folder / "tokenizer" / part)
    model = make_language_model(tokenizer, condition_dim=2 * WIDTH)
    save_language_model(model, train_text_pieces(["walk"], 300), folder / "language")
    with pytest.raises(WeightsError, match=f"{2 * WIDTH} wide.* {WIDTH} wide"):
        MotionGenerator.from_pretrained(folder, text_encoder=encoder_folder)


def test_an_interrupted_save_leaves_the_old_checkpoint(tmp_path: Path):
    model = write_checkpoint(tmp_path)
    before = (tmp_path / "language/config.yaml").read_bytes()

    class Broken:
        def to_str(self) -> str:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        save_language_model(model, Broken(), tmp_path / "language")
    assert (tmp_path / "language/config.yaml").read_bytes() == before
    load_language_model(tmp_path / "language")
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_a_second_encoder_folder_gives_the_same_motion(
    checkpoint: Path, encoder_folder: Path, tmp_path: Path
):
    copy = write_encoder(tmp_path / "copy")
    motions = [
        MotionGenerator.from_pretrained(checkpoint, text_encoder=folder)
        .generate(text="a person walks", seconds=1, seed=4)
        .motion
        for folder in (encoder_folder, copy)
    ]
    assert torch.equal(motions[0].full_pose, motions[1].full_pose)
