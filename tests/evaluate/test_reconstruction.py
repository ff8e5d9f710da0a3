"""Reconstruction errors against tokenizers whose errors are known."""

from dataclasses import replace

import pytest
import torch
from made_models import make_tokenizer
from made_motions import make_walk

from motion.errors import DataError
from motion.evaluate.reconstruction import evaluate_reconstruction
from motion.geometry import axis_angle_to_matrix, matrix_to_axis_angle
from motion.representation import JOINT_INDEX, Motion, extract_features, motion_from_features
from motion.tokenizer import Codes


class Remembering:
    """A tokenizer that loses nothing but what ``change`` does to the canonical motion."""

    def __init__(self, change=lambda motion: motion):
        self.change = change

    def encode(self, motion: Motion) -> Codes:
        self.kept = motion_from_features(extract_features(motion))[0]
        steps = torch.arange(-(-motion.num_frames // 6))
        rows = torch.stack([steps % 4, torch.zeros_like(steps)], dim=-1)
        return Codes(
            parts={"body": rows}, num_frames=motion.num_frames, frames_per_code=6, fps=30.0
        )

    def decode(self, codes: Codes) -> Motion:
        return self.change(self.kept)

    def code_vectors(self, name: str) -> torch.Tensor:
        return torch.zeros(2, 8, 3)


def turned_and_moved(motion: Motion) -> Motion:
    """The same motion elsewhere: two metres off, facing another way."""
    turn = axis_angle_to_matrix(torch.tensor([[0.0, 1.1, 0.0]]))[0]
    orient = matrix_to_axis_angle(turn @ axis_angle_to_matrix(motion.global_orient))
    root = motion.root_position
    moved = root @ turn.T + torch.tensor([2.0, 0.0, -1.0])
    return replace(motion, global_orient=orient, transl=motion.transl + moved - root)


def drifting(motion: Motion) -> Motion:
    """One centimetre a frame along +x, the pose as it was."""
    away = torch.zeros_like(motion.transl)
    away[:, 0] = 0.01 * torch.arange(motion.num_frames)
    return replace(motion, transl=motion.transl + away)


def bent(motion: Motion) -> Motion:
    """The left elbow is 0.1 rad off."""
    pose = motion.body_pose.clone()
    pose[:, 3 * (JOINT_INDEX["left_elbow"] - 1) + 1] += 0.1
    return replace(motion, body_pose=pose)


def test_nothing_lost_is_no_error_wherever_the_clip_stands():
    clip = turned_and_moved(make_walk(130))
    report = evaluate_reconstruction(Remembering(), [clip, clip], data_set="made", split="test")
    assert (report.num_clips, report.num_frames) == (2, 260)
    assert report.mpjpe_mm < 1e-2
    assert report.global_mm < 1e-2
    assert report.global_at_mm == pytest.approx(0, abs=1e-2)
    assert report.acceleration_error < 0.05 < report.acceleration
    assert "made test (2 clips, 260 frames, 22 joints, 30 fps)" in str(report)


def test_drift_is_global_only():
    report = evaluate_reconstruction(Remembering(drifting), [make_walk(130), make_walk(60)])
    assert report.mpjpe_mm < 1e-2
    assert report.global_at_mm == pytest.approx(900, rel=1e-3)  # 90 frames of 10 mm
    assert report.num_clips_at == 1
    first = (sum(range(90)) + sum(range(60))) * 10 / 150
    assert report.global_first_mm == pytest.approx(first, rel=1e-3)
    whole = (sum(range(130)) + sum(range(60))) * 10 / 190
    assert report.global_mm == pytest.approx(whole, rel=1e-3)


def test_a_bent_joint_shows_in_its_row():
    report = evaluate_reconstruction(Remembering(bent), [make_walk(40)])
    table = report.joints_mm
    assert table["left_wrist"] > 5
    others = [value for name, value in table.items() if name != "left_wrist"]
    assert max(others) < 1e-2
    assert report.mpjpe_mm == pytest.approx(table["left_wrist"] / 22, rel=1e-2)
    assert report.wrist_mm == pytest.approx(table["left_wrist"] / 2, rel=1e-2)
    assert report.toe_mm < 1e-2
    assert report.global_at_mm is None


def test_codebook_use():
    report = evaluate_reconstruction(Remembering(), [make_walk(48)])  # 8 codes: 0 1 2 3 0 1 2 3
    first, second = report.codebooks
    assert (first.part, first.level, first.size) == ("body", 0, 8)
    assert first.used_share == 0.5
    assert first.perplexity == pytest.approx(4)
    assert (second.level, second.used_share) == (1, 0.125)
    assert second.perplexity == pytest.approx(1)


def test_a_real_tokenizer():
    report = evaluate_reconstruction(make_tokenizer(), [make_walk(50), make_walk(1)])
    assert report.mpjpe_mm > 10  # it was never trained
    keys = {(use.part, use.level) for use in report.codebooks}
    assert keys == {(part, level) for part in ("lower", "upper") for level in range(2)}


def test_what_cannot_be_measured_is_said():
    with pytest.raises(DataError, match="no motion in 'made' val"):
        evaluate_reconstruction(Remembering(), [], data_set="made", split="val")
    handless = replace(make_walk(10), parts=frozenset({"lower"}), source="legs")
    with pytest.raises(DataError, match="'legs' has 10 frames"):
        evaluate_reconstruction(Remembering(), [handless])
