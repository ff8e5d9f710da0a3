"""Windows with a gap: nothing of the gap is in what the model is given."""

from pathlib import Path

import pytest
import torch

from motion.data import PreparedCorpus
from motion.errors import ConfigError
from motion.generate.keeping import root_of
from motion.language import goal_between
from motion.representation import FPS
from motion.tokenizer import MotionTokenizer
from motion.train import gap_windows
from motion.train.gap_windows import GapConfig, cut_gaps

CONFIG = GapConfig(per_clip=3, seed=1)


def test_windows_are_cut_and_kept(made: PreparedCorpus, tokenizer: MotionTokenizer, tmp_path: Path):
    store = cut_gaps([made], "train", tokenizer, CONFIG, tmp_path)
    assert len(store.texts) == 2 * len(made.select("train"))
    assert len(store.windows) > 10
    for window in store.windows:
        assert 2 <= len(window.starting) <= 12
        assert 1 <= window.gap_steps <= 20
        assert 1 <= len(window.ending) <= 8
        assert torch.isfinite(window.goal).all()
    again = cut_gaps([made], "train", tokenizer, CONFIG, tmp_path)  # read, not cut
    for first, second in zip(store.windows, again.windows, strict=True):
        assert first.clip == second.clip
        for name in ("starting", "following", "ending", "goal"):
            assert torch.equal(getattr(first, name), getattr(second, name))
    assert len(cut_gaps([made], "val", tokenizer, CONFIG, tmp_path / "val").texts) == len(
        made.select("val")
    )


def test_given_codes_do_not_know_the_gap(made: PreparedCorpus, tokenizer: MotionTokenizer):
    motion = made.motion(made.select("train")[0])
    generator = torch.Generator().manual_seed(4)
    cut = gap_windows._cut(0, motion, 6, generator)
    assert cut is not None
    start, gap, _ = cut.frames
    other = {name: values.clone() for name, values in cut.features.items()}
    for values in other.values():
        values[start : start + gap] += torch.randn_like(values[start : start + gap])
    changed = gap_windows._Cut(cut.clip, cut.frames, other, cut.goal)
    first, second = gap_windows._encoded([cut, changed], tokenizer)
    assert torch.equal(first.starting, second.starting)
    assert torch.equal(first.ending, second.ending)
    assert not torch.equal(first.following, second.following)


def test_the_goal_is_the_way_over_the_gap(made: PreparedCorpus):
    motion = made.motion(made.select("train")[0])
    cut = gap_windows._cut(0, motion, 6, torch.Generator().manual_seed(0))
    assert cut is not None
    start, gap, end = cut.frames
    spare = motion.num_frames - start - gap - end
    goals = [
        goal_between(
            root_of(motion.frames(first + start - 1, first + start)),
            root_of(motion.frames(first + start + gap, first + start + gap + 1)),
            gap / FPS,
        )
        for first in range(spare + 1)
    ]
    assert any(torch.allclose(cut.goal, goal, atol=1e-6) for goal in goals)


def test_shares_are_checked():
    with pytest.raises(ConfigError, match="shares must lie between 0 and 1"):
        GapConfig(ending_share=1.2)
    with pytest.raises(ConfigError, match="per_clip must be positive"):
        GapConfig(per_clip=0)
