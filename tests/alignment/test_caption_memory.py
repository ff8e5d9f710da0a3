"""What was said of known motions: recalling, saving, and refusing what does not fit."""

from pathlib import Path

import pytest
import torch
from made_corpora import write_prepared
from made_motions import make_walk
from made_release import write_space
from torch.nn.functional import normalize

from motion.alignment import AlignmentModel, CaptionMemory
from motion.data import load_corpora
from motion.errors import DataError, WeightsError
from motion.formats import write_npz


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> AlignmentModel:
    folder = tmp_path_factory.mktemp("space")
    (folder / "walks").mkdir()
    write_npz(make_walk(45), folder / "walks" / "walk.npz")
    write_space(folder, ["text"])
    return AlignmentModel.load(folder / "alignment")


def memory_of(*captions: tuple[str, ...], fingerprint: str = "f") -> CaptionMemory:
    rows = normalize(torch.randn(len(captions), 16, generator=torch.manual_seed(3)), dim=-1)
    return CaptionMemory(captions, rows, fingerprint)


def test_the_nearest_speak_loudest_and_all_shares_add_up():
    memory = memory_of(("he walks", "a man walks"), ("she waves",), ("he walks",))
    found = memory.recall(3 * memory.embeddings[1], 3, 0.05)
    assert sum(found.values()) == pytest.approx(1)
    assert max(found, key=lambda text: found[text]) == "she waves"
    assert found["he walks"] > found["a man walks"]
    assert list(memory.recall(memory.embeddings[1], 1, 0.05)) == ["she waves"]


def test_more_neighbours_than_there_are():
    assert sum(memory_of(("he walks",)).recall(torch.ones(16), 9, 0.1).values()) == pytest.approx(1)


def test_saved_and_read_back(space: AlignmentModel, tmp_path: Path):
    memory = memory_of(("he walks", "歩く"), ("he walks",), fingerprint=space.fingerprint)
    memory.save(tmp_path)
    again = CaptionMemory.load(tmp_path, space)
    assert again.captions == memory.captions
    assert torch.allclose(again.embeddings, memory.embeddings, atol=1e-3)


def test_what_does_not_fit_is_refused(space: AlignmentModel, tmp_path: Path):
    with pytest.raises(DataError, match=r"the caption memory in .* is damaged"):
        CaptionMemory.load(tmp_path, space)
    memory_of(("he walks",)).save(tmp_path)
    with pytest.raises(WeightsError, match="was made by the alignment model f, this one is"):
        CaptionMemory.load(tmp_path, space)
    (tmp_path / "captions.json").write_text('{"texts": ["a"], "clips": [[7]]}')
    with pytest.raises(DataError, match="is damaged"):
        CaptionMemory.load(tmp_path, space)
    with pytest.raises(DataError, match="expected captions of each of 1 motions, got 0"):
        CaptionMemory([], torch.ones(1, 4), "f")


def test_only_the_asked_split_is_remembered(space: AlignmentModel, tmp_path: Path):
    write_prepared(tmp_path / "bandai", "bandai")
    (corpus,) = load_corpora([tmp_path / "bandai"])
    memory = CaptionMemory.from_corpora([corpus], space)
    known = {text for said in memory.captions for text in said}
    train = corpus.select("train")
    assert len(memory) == len(train)
    assert known == {
        c.text for index in train for c in corpus.clips[index].captions if c.language == "en"
    }
    with pytest.raises(DataError, match="no train clip with captions"):
        CaptionMemory.from_corpora([corpus], space, language="xx")
