"""Overlays: parts come and go smoothly, the rest stays exactly, frames wait no longer."""

from dataclasses import replace

import pytest
import torch
from made_motions import make_walk

from motion.generate.overlays import OverlayMixer, fade_shares, faded
from motion.generate.progress import joined
from motion.generate.stretches import FADE, Overlay
from motion.representation import PARTS, Motion


def raised(overlay: Overlay, under: Motion) -> Motion:
    """Arms straight to the sides, whatever is below."""
    pose = under.full_pose.reshape(-1, 55, 3).clone()
    pose[:, PARTS["upper"].joint_indices] = 0.0
    return Motion.from_full_pose(pose.flatten(1), under.transl, parts=under.parts)


def overlay(start: int, stop: int, **rest: object) -> Overlay:
    return Overlay(start=start, stop=stop, parts=("upper",), text="raise", **rest)


def run(mixer: OverlayMixer, walk: Motion, size: int) -> list[Motion]:
    cuts = range(0, walk.num_frames, size)
    return [mixer.push(walk.frames(cut, cut + size)) for cut in cuts]


def test_only_the_parts_of_an_overlay_change():
    walk = make_walk(60)
    found = faded(walk, raised(overlay(0, 60), walk), overlay(0, 60))
    others = [j for j in range(55) if j not in PARTS["upper"].joint_indices]
    pose = found.full_pose.reshape(-1, 55, 3)
    assert torch.equal(pose[:, others], walk.full_pose.reshape(-1, 55, 3)[:, others])
    assert torch.equal(found.transl, walk.transl)
    middle = pose[FADE : 60 - FADE][:, PARTS["upper"].joint_indices]
    assert float(middle.abs().max()) < 1e-5
    turns = torch.diff(pose[:, 16], dim=0).abs().amax(-1)  # left shoulder, 1.2 radians in 9 frames
    assert float(turns.max()) < 0.3


def test_shares_rise_and_fall():
    both = fade_shares(40, fades_out=True)
    assert torch.equal(both, both.flip(0))
    assert bool((both[FADE : 40 - FADE] == 1).all())
    assert 0 < float(both[0]) < 0.1
    assert float(fade_shares(40, fades_out=False)[-1]) == 1
    assert bool(torch.isfinite(fade_shares(1, fades_out=True)).all())


@pytest.mark.parametrize("size", [7, 25, 200])
def test_pieces_do_not_matter(size: int):
    walk = make_walk(150)
    overlays = [overlay(20, 60), overlay(60 - FADE, 90), overlay(130, 150)]
    once = joined(run(OverlayMixer(overlays, raised), walk, 150))
    pieces = joined(run(OverlayMixer(overlays, raised), walk, size))
    assert once.num_frames == pieces.num_frames == 150
    assert torch.equal(once.full_pose, pieces.full_pose)
    assert torch.equal(once.full_pose[:20], walk.full_pose[:20])
    assert torch.equal(once.full_pose[90:130], walk.full_pose[90:130])
    assert not torch.equal(once.full_pose[30], walk.full_pose[30])


def test_frames_wait_for_overlays_only():
    walk = make_walk(120)
    mixer = OverlayMixer([overlay(50, 70)], raised)
    counts = [piece.num_frames for piece in run(mixer, walk, 40)]
    assert counts == [40, 40, 40]
    mixer = OverlayMixer([overlay(30, 90)], raised)
    counts = [piece.num_frames for piece in run(mixer, walk, 40)]
    assert counts == [30, 0, 90]


def test_a_mixer_goes_on_from_where_another_stopped():
    walk = make_walk(120)
    overlays = [overlay(10, 50), overlay(30, 90, fades_out=False)]
    whole = joined(run(OverlayMixer(overlays, raised), walk, 40))
    first = OverlayMixer(overlays, raised)
    pieces = [first.push(walk.frames(0, 40)), first.push(walk.frames(40, 80))]
    second = OverlayMixer(overlays, raised)
    assert first.waiting is not None
    second.resume(sorted(first.laid), first.emitted, first.waiting)
    pieces.append(second.push(walk.frames(80, 120)))
    assert torch.equal(joined(pieces).full_pose, whole.full_pose)


def test_hands_that_come_with_an_overlay_are_named():
    walk = replace(make_walk(40), parts=frozenset({"lower", "upper"}))
    hands = Overlay(start=0, stop=40, parts=("left_hand",), text="wave")
    found = OverlayMixer([hands], lambda o, under: replace(under, parts=under.parts)).push(walk)
    assert found.parts == {"lower", "upper", "left_hand"}
