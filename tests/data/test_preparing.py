import pickle

import pytest
import torch
from made_corpora import make_bandai, make_cc0, make_cmu, write_packed

from motion.data import PreparedCorpus, load_corpora, prepare
from motion.data.splitting import held_out, split_by_hash, split_of
from motion.errors import DataError
from motion.representation import rest_positions

HELD_OUT = {split: sorted(held_out("bandai", split))[0] for split in ("val", "test")}


@pytest.fixture
def bandai(tmp_path, walk_motion):
    clips = {"dataset-1_walk_made_001": 20, HELD_OUT["val"]: 15, HELD_OUT["test"]: 25}
    make_bandai(tmp_path / "source", walk_motion, clips)
    return tmp_path / "source"


def test_bandai_is_prepared_and_read_back(bandai, tmp_path):
    report = prepare("bandai", bandai, tmp_path / "out")
    corpus = PreparedCorpus.load(tmp_path / "out")
    assert report.accepted == len(corpus) == 3
    assert report.clips_by_split == {"train": 1, "val": 1, "test": 1}
    assert "3 clips, 60 frames" in str(report)
    record = corpus.clips[corpus.select("test")[0]]
    assert (record.clip_id, record.start, record.num_frames) == (HELD_OUT["test"], 35, 25)
    assert record.parts == ("lower", "upper")
    assert record.captions[0].text == "a person walks and waves the left hand."
    assert record.mirrored_captions[0].text == "a person walks and waves the right hand."
    motion = corpus.motion(2)
    assert motion.num_frames == 25
    assert motion.fps == 30
    assert torch.equal(corpus.motion(2, 5, 9).body_pose, motion.body_pose[5:9])
    assert (tmp_path / "out" / "report.json").is_file()


def test_a_corpus_survives_a_trip_to_a_worker(bandai, tmp_path):
    prepare("bandai", bandai, tmp_path / "out")
    corpus = PreparedCorpus.load(tmp_path / "out")
    first = corpus.motion(0)
    copy = pickle.loads(pickle.dumps(corpus))
    assert torch.equal(copy.motion(0).transl, first.transl)


def test_cc0_keeps_fingers_where_there_are_some(tmp_path, walk_motion):
    make_cc0(tmp_path / "source", walk_motion)
    prepare("cc0", tmp_path / "source", tmp_path / "out")
    corpus = PreparedCorpus.load(tmp_path / "out")
    assert corpus.motion(0).parts == {"lower", "upper", "left_hand", "right_hand"}
    assert corpus.motion(1).parts == {"lower", "upper"}
    assert corpus.motion(0).expression.shape == (60, 10)
    error = (corpus.motion(0).joints() - walk_motion.joints()).abs().max()
    assert error < 0.002  # the files hold steps of 0.02 degrees
    assert rest_positions().shape == (55, 3)


def cmu_clip(clip_id, start, stop, **more):
    return {"id": clip_id, "start_frame_60": start, "end_frame_60": stop, **more}


def test_cmu_gives_clips_tagged_parts_and_the_rest_without_held_out_frames(tmp_path, long_walk):
    test_id = sorted(held_out("cmu", "test"))[0]
    tagged = {"text": "someone steps with the left foot.", "start": 1.0, "end": 2.5}
    clips = [
        cmu_clip(test_id, 100, 300),
        cmu_clip("999999", 200, 500, captions=[tagged]),
    ]
    make_cmu(tmp_path / "source", long_walk, clips)
    report = prepare("cmu", tmp_path / "source", tmp_path / "out")
    corpus = PreparedCorpus.load(tmp_path / "out")
    lengths = {clip.clip_id: clip.num_frames for clip in corpus.clips}
    # 600 frames at 60 fps: 0-50 rest, 50-150 test, 150-250 train (cut), 250-300 rest
    assert lengths == {test_id: 100, "999999": 100, "35_01_00000": 50, "35_01_00250": 50} | {
        name: n for name, n in lengths.items() if name == "999999_0"
    }
    assert report.clips_by_split["test"] == 1
    assert corpus.clips[0].labels["description"] == "walk"


@pytest.fixture
def long_walk():
    from made_motions import make_walk

    return make_walk(600, step_seconds=1.1)


def test_lists_are_disjoint_and_hashes_are_stable():
    for corpus, count in (("bandai", 614), ("cmu", 64), ("cc0", 17)):
        val, test = held_out(corpus, "val"), held_out(corpus, "test")
        assert not val & test
        assert len(val | test) == count
        assert {split_of(corpus, clip) for clip in val} == {"val"}
        assert split_of(corpus, "never seen") == "train"
    assert all(split_by_hash(clip) == "test" for clip in held_out("cc0", "test"))
    shares = [split_by_hash(f"clip {n}") for n in range(2000)]
    assert shares.count("train") == pytest.approx(1700, abs=60)


def test_a_folder_without_the_files_names_them(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        prepare("bandai", tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(DataError, match=r"clips\.csv.*captions\.json.*motions"):
        prepare("bandai", tmp_path, tmp_path / "out")
    with pytest.raises(DataError, match=r"trial_captions\.jsonl"):
        prepare("cmu", tmp_path, tmp_path / "out")
    with pytest.raises(DataError, match=r"\.bvh files"):
        prepare("bvh", tmp_path, tmp_path / "out")
    with pytest.raises(DataError, match="no reader for the corpus 'xyz'"):
        prepare("xyz", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_clips_are_reported_and_too_many_refused(bandai, tmp_path, walk_motion):
    write_packed(
        bandai / "motions" / "dataset-1_walk.npz", "bandai", walk_motion, clips={"other": 60}
    )
    with pytest.raises(DataError, match=r"3 clips rejected, 0 left.*not in dataset-1_walk\.npz"):
        prepare("bandai", bandai, tmp_path / "out")


def test_broken_tables_are_named(bandai, tmp_path):
    (bandai / "captions.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match=r"captions\.json as JSON"):
        prepare("bandai", bandai, tmp_path / "out")
    (bandai / "clips.csv").write_text("clip\nx\n", "utf-8")
    with pytest.raises(DataError, match="'content'"):
        prepare("bandai", bandai, tmp_path / "out")


def test_a_broken_prepared_folder_says_what_to_do(bandai, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(DataError, match="motion prepare"):
        load_corpora([out])
    prepare("bandai", bandai, out)
    assert len(load_corpora([out])[0]) == 3
    clips = (out / "clips.jsonl").read_text("utf-8")
    (out / "clips.jsonl").write_text(clips.replace('"start": 35', '"start": 350'), "utf-8")
    with pytest.raises(DataError, match="beyond the 60 frames"):
        PreparedCorpus.load(out)
    (out / "clips.jsonl").write_text("{not json}\n", "utf-8")
    with pytest.raises(DataError, match="line 1"):
        PreparedCorpus.load(out)
    (out / "motions.safetensors").write_bytes(b"rubbish")
    (out / "clips.jsonl").write_text(clips, "utf-8")
    with pytest.raises(DataError, match="prepare it again"):
        PreparedCorpus.load(out)
    (out / "corpus.json").write_text('{"format_version": 0}', "utf-8")
    with pytest.raises(DataError, match="format version 0"):
        PreparedCorpus.load(out)
