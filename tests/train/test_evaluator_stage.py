from pathlib import Path

import pytest
import torch
import yaml
from made_alignment import write_made_corpus
from made_motions import make_walk
from made_weights import make_e5_file

from motion.cli import main
from motion.conditioners import TextEncoder
from motion.conditioners.e5 import bake_e5
from motion.data import PreparedCorpus
from motion.errors import DataError
from motion.evaluate.evaluator import Evaluator, EvaluatorConfig
from motion.train.evaluator_data import EvaluatorData, joint_store
from motion.train.pair_store import DrawingConfig

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared corpus ``made`` and a tiny text encoder ``encoder``."""
    folder = tmp_path_factory.mktemp("evaluator")
    write_made_corpus(folder / "made")
    (folder / "encoder").mkdir()
    bake_e5(make_e5_file()[0], folder / "encoder")
    return folder


def arguments_of(root: Path, folder: Path) -> list[str]:
    return [
        *("train", "evaluator", "fit", "--config", str(CONFIGS / "debug/evaluator.yaml")),
        *("--data.root", str(root), "--data.text_encoder", str(root / "encoder")),
        *("--trainer.default_root_dir", str(folder)),
    ]


def test_debug_config_trains_through_the_command_line(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    arguments = arguments_of(root, tmp_path)
    assert main(arguments) == 0
    evaluator = Evaluator.load(tmp_path / "runs/debug/evaluator")
    assert evaluator.feature_std.min() < 1  # statistics were taken
    assert evaluator.pooled_mean.any()
    encoder = TextEncoder.load(root / "encoder")
    assert evaluator.config.text_encoder == encoder.fingerprint
    texts = evaluator.embed_texts(["a person walks"], encoder)
    assert texts.shape == evaluator.embed_motions([make_walk(30)]).shape == (1, 16)
    assert main([*arguments, "--model.evaluator.text_dim", "7"]) == 2
    assert "text_dim is 7, but the text encoder gives 32" in capsys.readouterr().err


def test_pairs_hold_joints_of_clips_and_of_their_mirror_images(root: Path):
    corpora = [PreparedCorpus.load(root / "made")]
    store = joint_store(corpora, "train")
    plain, mirrored = store.features.clip(2)["joints"], store.features.clip(3)["joints"]
    motion = corpora[0].motion(1)
    torch.testing.assert_close(plain, motion.joints(22).flatten(1))
    torch.testing.assert_close(mirrored, motion.mirrored().joints(22).flatten(1))
    assert "left" in store.captions[2][0]
    assert "right" in store.captions[3][0]
    with pytest.raises(DataError, match="no 'nothing' clip"):
        joint_store(corpora, "nothing")


def test_drawing_is_the_same_again_at_ten_frames_a_second(root: Path, tmp_path: Path):
    drawing = DrawingConfig(batch_size=4, num_batches=2, max_frames=30)
    data = EvaluatorData(root, ["made"], drawing, str(root / "encoder"), tmp_path)
    data.setup("fit")
    first, again = data.training()[1], data.training()[1]
    torch.testing.assert_close(first.clips.joints, again.clips.joints)
    assert first.clips.joints.shape[1] == 10
    assert not torch.equal(data.training()[0].pooled, first.pooled)
    assert len(data.sample(9).pooled) == 9


def test_release_evaluator_is_small():
    values = yaml.safe_load((CONFIGS / "evaluator/default.yaml").read_text())
    evaluator = Evaluator(EvaluatorConfig(**values["model"]["evaluator"]))
    assert 2 * sum(p.numel() for p in evaluator.parameters()) < 12e6  # bytes in half precision
