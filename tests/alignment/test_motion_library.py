from dataclasses import replace
from pathlib import Path

import pytest
import torch
from made_alignment import make_alignment_model, make_motions, write_made_corpus
from made_motions import make_walk

from motion.alignment import AlignmentModel, MotionLibrary, embed_motions
from motion.data import PreparedCorpus
from motion.errors import DataError, RequestError, WeightsError
from motion.formats import write_npz


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three motion files, one with captions beside it."""
    for name, motion in make_motions().items():
        write_npz(motion, tmp_path / "motions" / f"{name}.npz")
    (tmp_path / "motions/walks.txt").write_text("a person walks\n\nsomeone strolls\n")
    return tmp_path / "motions"


def test_the_planted_nearest_comes_first(folder: Path, model: AlignmentModel):
    library = MotionLibrary.from_files(folder, model)
    for name, motion in make_motions().items():
        best = library.retrieve(model.embed_motion(motion), top_k=2)
        assert [len(best), best[0].clip_id] == [2, name]
        assert best[0].score == pytest.approx(1.0, abs=1e-4)
        assert best[0].score >= best[1].score
        torch.testing.assert_close(best[0].motion().body_pose, motion.body_pose)
    assert library.retrieve(library.embeddings[0], top_k=99)[-1].score < 1
    captions = {entry.clip_id: entry.captions for entry in library.entries}
    assert captions["walks"] == ("a person walks", "someone strolls")
    assert captions["walks fast"] == ()


def test_saved_libraries_travel_with_their_motions(
    folder: Path, tmp_path: Path, model: AlignmentModel
):
    MotionLibrary.from_files(folder, model).save(folder)
    moved = folder.rename(tmp_path / "elsewhere")
    library = MotionLibrary.load(moved, model)
    best = library.retrieve(model.embed_motion(make_motions()["walks slowly"]), top_k=1)[0]
    assert best.clip_id == "walks slowly"
    assert best.motion().num_frames == best.entry.num_frames == 45


def test_motions_stay_where_they_are_otherwise(folder: Path, tmp_path: Path, model: AlignmentModel):
    MotionLibrary.from_files(folder, model).save(tmp_path / "index")
    library = MotionLibrary.load(tmp_path / "index")
    assert library.retrieve(library.embeddings[1], top_k=1)[0].motion().num_frames == 45


def test_prepared_corpora_become_libraries(tmp_path: Path, model: AlignmentModel):
    write_made_corpus(tmp_path / "made")
    corpus = PreparedCorpus.load(tmp_path / "made")
    assert len(MotionLibrary.from_corpora([corpus], model)) == 9
    library = MotionLibrary.from_corpora([corpus], model, "val")
    assert [entry.clip_id for entry in library.entries] == [
        "val walks fast",
        "val walks",
        "val walks slowly",
    ]
    library.save(tmp_path / "made")
    library = MotionLibrary.load((tmp_path / "made").rename(tmp_path / "other"), model)
    assert {entry.path for entry in library.entries} == {"."}
    best = library.retrieve(model.embed_motion(make_motions(40)["walks"]), top_k=1)[0]
    assert best.clip_id == "val walks"
    assert best.captions[0] == "a person walks and swings the left arm"
    torch.testing.assert_close(best.motion().transl, make_motions(40)["walks"].transl)


def test_corpora_in_half_precision_give_motions_in_full(tmp_path: Path, model: AlignmentModel):
    write_made_corpus(tmp_path / "made", dtype=torch.float16)
    library = MotionLibrary.from_corpora([PreparedCorpus.load(tmp_path / "made")], model, "val")
    motion = library.motion(library.entries[1])
    assert motion.body_pose.dtype == torch.float32
    expected = make_motions(40)["walks"].body_pose
    torch.testing.assert_close(motion.body_pose, expected, atol=1e-3, rtol=0)


def test_other_frame_rates_are_resampled(tmp_path: Path, model: AlignmentModel):
    fast = replace(make_walk(60), fps=60.0)
    write_npz(fast, tmp_path / "walk.npz")
    library = MotionLibrary.from_files([tmp_path / "walk.npz"], model)
    motion = library.retrieve(library.embeddings[0], top_k=1)[0].motion()
    assert (motion.fps, motion.num_frames) == (30.0, 30)
    torch.testing.assert_close(motion.transl, fast.transl[::2], atol=1e-5, rtol=0)


def test_order_and_batches_do_not_matter(model: AlignmentModel):
    motions = [make_walk(frames) for frames in (40, 10, 25) * 7]
    found = embed_motions(motions, model)
    for index in (0, 1, 20):
        alone = model.embed_motion(motions[index])[0]
        torch.testing.assert_close(found[index], alone, atol=1e-5, rtol=0)


def test_what_cannot_be_is_refused(folder: Path, tmp_path: Path, model: AlignmentModel):
    library = MotionLibrary.from_files(folder, model)
    with pytest.raises(RequestError, match="top_k must be at least 1, got 0"):
        library.retrieve(library.embeddings[0], top_k=0)
    with pytest.raises(RequestError, match="one embedding of width 16"):
        library.retrieve(library.embeddings)
    with pytest.raises(DataError, match="no motions for a library"):
        MotionLibrary.from_files(tmp_path / "nothing", model)
    with pytest.raises(DataError, match="expected a motion library in"):
        MotionLibrary.load(tmp_path / "nothing")
    library.save(tmp_path / "saved")
    with pytest.raises(WeightsError, match="embed the library again"):
        MotionLibrary.load(tmp_path / "saved", make_alignment_model(seed=3))
    (tmp_path / "saved/library.jsonl").write_text('{"clip_id": "half\n')
    with pytest.raises(DataError, match="is damaged"):
        MotionLibrary.load(tmp_path / "saved")
