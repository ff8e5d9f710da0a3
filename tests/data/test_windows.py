from itertools import islice

import pytest
import torch
from made_corpora import make_bandai

from motion.data import PreparedCorpus, WindowConfig, Windows, prepare
from motion.errors import ConfigError, DataError


@pytest.fixture
def corpus(tmp_path, walk_motion):
    make_bandai(tmp_path / "source", walk_motion, {"long": 45, "short": 15})
    prepare("bandai", tmp_path / "source", tmp_path / "out")
    return PreparedCorpus.load(tmp_path / "out")


def windows(corpus, **config):
    return Windows([corpus], "train", WindowConfig(**config))


def test_masks_mark_the_frames_of_the_clip(corpus):
    seen = set()
    for window in islice(windows(corpus, num_frames=20), 40):
        assert window.motion.num_frames == len(window.mask) == 20
        assert int(window.mask.sum()) == min(20, window.record.num_frames)
        seen.add(window.record.clip_id)
        if window.record.clip_id == "short":
            last = window.motion.body_pose[14]
            assert torch.equal(window.motion.body_pose[15:], last.expand(5, -1))
    assert seen == {"long", "short"}


def test_windows_show_their_clip(corpus):
    for window in islice(windows(corpus, num_frames=10), 20):
        index = [clip.clip_id for clip in corpus.clips].index(window.record.clip_id)
        motion = corpus.motion(index, window.start, window.start + 10)
        shown = window.motion.mirrored() if window.mirrored else window.motion
        torch.testing.assert_close(shown.transl, motion.transl)
        side = "right" if window.mirrored else "left"
        assert side in window.captions[0].text


def test_the_same_seed_draws_the_same_and_a_stopped_row_goes_on(corpus):
    def key(window):
        return window.record.clip_id, window.start, window.mirrored

    whole = [key(w) for w in islice(windows(corpus, num_frames=10, seed=3), 30)]
    row = windows(corpus, num_frames=10, seed=3)
    first = [key(w) for w in islice(row, 12)]
    again = windows(corpus, num_frames=10, seed=3)
    again.load_state_dict(row.state_dict())
    assert first + [key(w) for w in islice(again, 18)] == whole
    assert [key(w) for w in islice(windows(corpus, num_frames=10, seed=4), 30)] != whole
    with pytest.raises(ConfigError, match="seed"):
        windows(corpus, seed=4).load_state_dict(row.state_dict())


@pytest.mark.parametrize(("share", "expected"), [(0.0, {False}), (1.0, {True})])
def test_mirroring_can_be_all_or_nothing(corpus, share, expected):
    row = windows(corpus, num_frames=10, mirror_share=share)
    assert {window.mirrored for window in islice(row, 20)} == expected


def test_what_cannot_be_drawn_is_refused(corpus):
    with pytest.raises(DataError, match="no 'val' clip"):
        Windows([corpus], "val", WindowConfig())
    with pytest.raises(DataError, match="left_hand"):
        Windows([corpus], "train", WindowConfig(), parts=["left_hand"])
    with pytest.raises(DataError, match="no split 'dev'"):
        Windows([corpus], "dev", WindowConfig())
    with pytest.raises(ConfigError, match="num_frames"):
        WindowConfig(num_frames=0)
