"""Seams against motions whose jerk and jumps are known."""

import json
from dataclasses import replace

import pytest
import torch
from made_motions import make_walk

from motion.errors import RequestError
from motion.evaluate import seam_metrics as module
from motion.evaluate.seam_metrics import seam_metrics
from motion.evaluate.trajectory_metrics import jerk
from motion.representation import NUM_BODY_JOINTS, Motion

PERIOD = 33
"""Frames of two steps of the made walk: it repeats itself, so all windows this far apart agree."""


def jumped(motion: Motion, frame: int, metres: float) -> Motion:
    transl = motion.transl.clone()
    transl[frame:, 0] += metres
    return replace(motion, transl=transl)


def test_a_walk_is_as_smooth_at_a_seam_as_elsewhere():
    report = seam_metrics(make_walk(300), [(100, 100 + PERIOD), (200, 200 + PERIOD)])
    for seam in report.seams:
        assert seam.jerk_ratio == pytest.approx(1.0, abs=0.15)
        assert seam.peak_ratio == pytest.approx(1.0, abs=0.15)
    assert report.root_continuous
    assert report.smooth_share == 1.0


def test_the_jerk_is_that_of_the_trajectory_metrics():
    walk = make_walk(120)
    report = seam_metrics(walk, [(60, 70)])
    joints = walk.joints(NUM_BODY_JOINTS)
    assert report.seams[0].jerk == pytest.approx(jerk(joints[57:73], walk.fps), rel=1e-6)


def test_a_jump_is_seen():
    walk = make_walk(300)
    report = seam_metrics(jumped(walk, 150, 0.3), [(150, 160)])
    assert report.worst_jerk_ratio > 3
    assert report.smooth_share == 0.0
    assert not report.root_continuous
    assert report.seams[0].root_step == pytest.approx(0.3, abs=0.05)
    assert report.inside_root_step < 0.1


def test_a_sudden_turn_is_seen():
    walk = make_walk(300)
    orient = walk.global_orient.clone()
    orient[150:, 1] += 0.7
    report = seam_metrics(replace(walk, global_orient=orient), [(150, 152)])
    assert report.seams[0].root_turn == pytest.approx(0.7, abs=1e-3)
    assert not report.root_continuous


def test_pieces_do_not_matter(monkeypatch: pytest.MonkeyPatch):
    walk = jumped(make_walk(300), 200, 0.1)
    whole = seam_metrics(walk, [(100, 110), (200, 215)])
    monkeypatch.setattr(module, "_CHUNK", 37)
    pieces = seam_metrics(walk, [(100, 110), (200, 215)])
    assert pieces.seams[1].jerk == pytest.approx(whole.seams[1].jerk, rel=1e-5)
    assert pieces.inside_root_step == pytest.approx(whole.inside_root_step, rel=1e-5)


def test_a_seam_at_the_very_end_and_one_without_frames():
    report = seam_metrics(make_walk(200), [(100, 100), (190, 200)])
    assert len(report.seams) == 2
    assert all(seam.jerk > 0 for seam in report.seams)


def test_a_report_is_json():
    found = json.loads(json.dumps(seam_metrics(make_walk(200), [(100, 110)]).to_dict()))
    assert next(iter(found)) == "median_jerk_ratio"
    assert found["seams"][0]["start_frame"] == 100


def test_no_seams_at_all():
    report = seam_metrics(make_walk(100), [])
    assert (report.median_jerk_ratio, report.worst_jerk_ratio, report.smooth_share) == (0, 0, 1)


@pytest.mark.parametrize("seam", [(0, 5), (50, 40), (90, 101)])
def test_seams_outside_are_refused(seam: tuple[int, int]):
    with pytest.raises(RequestError, match="does not lie within the motion's 100 frames"):
        seam_metrics(make_walk(100), [seam])


def test_nothing_inside_to_compare_with():
    with pytest.raises(RequestError, match="too short to compare"):
        seam_metrics(make_walk(30), [(3, 29)])


def test_standing_still_has_no_ratio_that_is_not_a_number():
    walk = make_walk(60)
    pose, place = (values[:1].expand(60, -1) for values in (walk.full_pose, walk.transl))
    report = seam_metrics(Motion.from_full_pose(pose, place), [(20, 30)])
    assert torch.isfinite(torch.tensor(report.worst_jerk_ratio))
