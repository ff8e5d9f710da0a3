"""Which clips train, which choose, which test: fixed lists, and hashes for folders without one.

The lists in ``splits/`` name the clips of each corpus that must never train: HumanML3D's official
ids for CMU, the md5 split of the clip names for the other two.
"""

import hashlib
from functools import cache
from importlib import resources

_HELD_OUT = ("val", "test")
_TEST_SHARE, _VAL_SHARE = 10, 5
"""Percent of clips, for corpora that come without a split."""


@cache
def held_out(corpus: str, split: str) -> frozenset[str]:
    """Clip ids of a corpus's "val" or "test" list."""
    path = resources.files("motion.data").joinpath("splits", f"{corpus}_{split}.txt")
    return frozenset(path.read_text("utf-8").split())


def split_of(corpus: str, clip_id: str) -> str:
    """Split of a clip of a corpus that has lists; a clip in no list trains."""
    for split in _HELD_OUT:
        if clip_id in held_out(corpus, split):
            return split
    return "train"


def split_by_hash(clip_id: str) -> str:
    """Split of a clip by the md5 of its name: 85 % train, 5 % val, 10 % test."""
    digest = hashlib.md5(clip_id.encode("utf-8"), usedforsecurity=False).hexdigest()
    percent = int(digest[:8], 16) % 100
    if percent < _TEST_SHARE:
        return "test"
    return "val" if percent < _TEST_SHARE + _VAL_SHARE else "train"
