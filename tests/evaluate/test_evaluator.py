import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from made_evaluator import ENCODER_DIM, make_evaluator
from made_motions import make_walk
from made_weights import make_e5_file

from motion.conditioners import TextEncoder
from motion.conditioners.condition import no_text
from motion.conditioners.e5 import bake_e5
from motion.errors import ConfigError, RequestError, WeightsError
from motion.evaluate.distribution_metrics import r_precision
from motion.evaluate.evaluator import (
    DEFAULT_EVALUATOR,
    EVALUATOR_VARIABLE,
    Evaluator,
    EvaluatorConfig,
)
from motion.evaluate.evaluator_input import JointClips, evaluator_features
from motion.geometry import axis_angle_to_matrix, matrix_to_axis_angle, yaw_to_matrix
from motion.representation import Motion


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    folder = tmp_path_factory.mktemp("encoder")
    bake_e5(make_e5_file()[0], folder)
    return TextEncoder.load(folder)


def moved(motion: Motion, degrees: float, way: tuple[float, float]) -> Motion:
    """The same motion begun elsewhere, facing elsewhere."""
    turn = yaw_to_matrix(torch.tensor(math.radians(degrees)))
    orient = matrix_to_axis_angle(turn @ axis_angle_to_matrix(motion.global_orient))
    root = motion.root_position @ turn.T + torch.tensor([way[0], 0.0, way[1]])
    transl = motion.transl + root - motion.root_position
    return replace(motion, global_orient=orient, transl=transl)


@pytest.mark.parametrize("degrees", [90.0, 181.0, -30.0])
def test_where_a_motion_starts_and_faces_does_not_matter(degrees: float):
    evaluator, walk = make_evaluator(), make_walk(50)
    away = moved(walk, degrees, (3.0, -7.0))
    assert (away.joints(22)[0] - walk.joints(22)[0]).norm(dim=-1).min() > 5
    found, expected = evaluator.embed_motions([away]), evaluator.embed_motions([walk])
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def test_what_a_motion_does_does_matter():
    evaluator, walk = make_evaluator(), make_walk(50)
    other = make_walk(50, step_seconds=0.9)
    mirrored, up = walk.mirrored(), replace(walk, transl=walk.transl + torch.tensor([0, 0.5, 0]))
    rows = evaluator.embed_motions([walk, other, mirrored, up])
    assert (rows[0] @ rows[1:].T).max() < 0.9999


def test_features_are_seen_from_the_person():
    walk = moved(make_walk(40), 120.0, (1.0, 2.0))
    clips = JointClips.of([walk])
    assert clips.joints.shape == (1, 14, 66)
    features = evaluator_features(clips)[0]
    way = features[:, -2:]
    assert way[0].abs().max() < 1e-5
    assert way[-1, 1] > 0.5 > way[-1, 0].abs() * 5  # ahead, not aside
    assert features[0, 66:132].abs().max() == 0
    pelvis = features[:, :3]
    assert pelvis[:, [0, 2]].abs().max() < 1e-5
    speed = features[1:, 66:69].mean(0)  # of the pelvis, metres a second
    assert speed[2] > 0.3 > 5 * speed[0].abs()


def test_batch_and_padding_change_nothing(encoder: TextEncoder):
    evaluator = make_evaluator()
    motions = [make_walk(n) for n in (1, 10, 61)]
    together = evaluator.embed_motions(motions)
    alone = torch.cat([evaluator.embed_motions([motion]) for motion in motions])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    texts = ["a person walks", "somebody slowly walks away from here, then bows"]
    together = evaluator.embed_texts(texts, encoder)
    alone = torch.cat([evaluator.embed_texts([text], encoder) for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(2))


def test_other_frame_rates_are_brought_to_ten():
    evaluator, walk = make_evaluator(), make_walk(61)
    thinned = replace(
        Motion.from_full_pose(walk.full_pose[::3], walk.transl[::3]), fps=10.0, parts=walk.parts
    )
    torch.testing.assert_close(
        evaluator.embed_motions([thinned]), evaluator.embed_motions([walk]), atol=1e-5, rtol=0
    )


def test_retrieval_of_shuffled_pairs_is_chance():
    evaluator = make_evaluator()
    generator = torch.Generator().manual_seed(3)
    motions = [make_walk(12 + i % 20, step_seconds=0.3 + 0.01 * i) for i in range(64)]
    rows = evaluator.embed_motions(motions)
    top = torch.tensor(
        [
            r_precision(rows, rows[torch.randperm(64, generator=generator)], generator).top
            for _ in range(200)
        ]
    )
    torch.testing.assert_close(top.mean(0), torch.tensor([1, 2, 3]) / 32, atol=0.01, rtol=0)


def test_files_give_the_same_evaluator_and_a_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = make_evaluator()
    made.save(tmp_path)
    assert made.hash == ""
    loaded = Evaluator.load(tmp_path)
    walk = make_walk(30)
    torch.testing.assert_close(
        loaded.embed_motions([walk]), made.embed_motions([walk]), atol=5e-3, rtol=0
    )
    assert len(loaded.hash) == 16
    make_evaluator(seed=1).save(tmp_path / "other")
    assert Evaluator.load(tmp_path / "other").hash != loaded.hash
    monkeypatch.setenv(EVALUATOR_VARIABLE, str(tmp_path))
    assert Evaluator.load_default().hash == loaded.hash
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(WeightsError, match="no usable evaluator"):
        Evaluator.load(tmp_path)
    with pytest.raises(WeightsError, match="not found"):
        Evaluator.load(tmp_path / "nowhere")


def test_what_does_not_fit_is_said(encoder: TextEncoder):
    evaluator = make_evaluator()
    with pytest.raises(RequestError, match=f"width {ENCODER_DIM}, got text of width 8"):
        evaluator.encode_text(no_text(1, 8))
    with pytest.raises(RequestError, match="at least one frame"):
        evaluator.embed_motions([])
    broken = replace(make_walk(9), transl=torch.full((9, 3), math.nan))
    with pytest.raises(RequestError, match=r"number 0 .* not finite"):
        evaluator.embed_motions([broken])
    strange = Evaluator(replace(evaluator.config, text_encoder="of another training"))
    with pytest.raises(RequestError, match="of another training"):
        strange.embed_texts(["a walk"], encoder)
    with pytest.raises(ConfigError, match="multiple of twice"):
        EvaluatorConfig(width=20, num_heads=4)


def test_what_ships_loads_is_small_and_is_what_was_measured():
    shipped = Evaluator.load(DEFAULT_EVALUATOR)
    size = sum(path.stat().st_size for path in DEFAULT_EVALUATOR.iterdir())
    assert size < 12_000_000
    told = json.loads((DEFAULT_EVALUATOR.parents[1] / "benchmarks/evaluator.json").read_text())
    assert told["evaluator"] == shipped.hash
    assert shipped.hash in (DEFAULT_EVALUATOR / "README.md").read_text("utf-8")
    for row in told["corpora"].values():
        assert row["usual R@1"][0] > 3 * row["chance"]["R@1"]
        low, high = row["shuffled R@1"][1:]
        assert low - 0.01 < row["chance"]["R@1"] < high + 0.01  # of a few pools
