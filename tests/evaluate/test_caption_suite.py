"""Choosing clips, baselines that retrieve, and figures of captions with their protocols."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from made_checkpoints import write_encoder
from made_corpora import write_prepared
from made_models import make_tokenizer

from motion.alignment import (
    AlignmentModel,
    AlignmentModelConfig,
    MotionEncoderConfig,
    ProjectorConfig,
)
from motion.conditioners import TextEncoder
from motion.data import Caption, ClipRecord, PreparedCorpus
from motion.errors import DataError, RequestError
from motion.evaluate.caption_baselines import (
    BASELINES,
    CaptionedClip,
    KnownClips,
    captioned_clips,
    code_use,
)
from motion.evaluate.caption_suite import (
    PEOPLE,
    WHOLE,
    ClipSet,
    choose_clips,
    clip_sets,
    compare,
    figures,
    measure_systems,
    subset_scores,
)
from motion.evaluate.paired import CANNOT_SEPARATE

TRUTH = (
    ("a person walks forward", "someone is walking straight ahead", "she walks"),
    ("a person waves the left hand", "he is waving with the left arm"),
    ("a man jumps", "jumping up", "somebody leaps into the air"),
)
RIGHT = ["a person walks forward", "a woman waves the left hand", "a man jumps high"]
WRONG = ["a person sits down", "a woman waves the right hand", "a man sits on a chair"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    return TextEncoder.load(write_encoder(tmp_path_factory.mktemp("encoder")))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    folder = tmp_path_factory.mktemp("prepared")
    write_prepared(folder)
    return PreparedCorpus.load(folder)


def clip_set(count: int) -> ClipSet:
    return ClipSet(
        name=WHOLE,
        data_set="made",
        split="test",
        clip_ids=tuple(f"clip{k}" for k in range(count)),
        references=tuple(TRUTH[k % 3] for k in range(count)),
        seconds=tuple(2.0 + k for k in range(count)),
    )


def named(name: str, captions: list[list[str]]) -> list[CaptionedClip]:
    records = [
        ClipRecord(
            clip_id=f"{k:03d}",
            corpus=name,
            start=0,
            num_frames=60,
            split="test",
            parts=("lower", "upper"),
            captions=tuple(Caption(text) for text in texts),
        )
        for k, texts in enumerate(captions)
    ]
    corpus = PreparedCorpus(Path("nowhere"), {"name": name}, records)
    return [CaptionedClip(corpus=corpus, index=k) for k in range(len(records))]


def test_small_corpora_come_whole_and_the_others_share_the_rest():
    clips = [
        *named("large", [["x"]] * 300),
        *named("small", [["x"]] * 5),
        *named("middle", [["x"]] * 40),
    ]
    chosen = choose_clips(clips, 100)
    assert Counter(clip.corpus.name for clip in chosen) == {"small": 5, "middle": 40, "large": 55}
    assert len({clip.clip_id for clip in chosen}) == 100
    large = [clip.index for clip in chosen if clip.corpus.name == "large"]
    assert {b - a for a, b in pairwise(large)} == {5, 6}
    assert len(choose_clips(clips, 1000)) == 345
    with pytest.raises(RequestError, match="at least one clip to describe, got 0"):
        choose_clips(clips, 0)


def test_peoples_words_are_those_that_no_table_has():
    clips = [
        *named("cmu", [["Walking.", "a person ambles along, whistling"], ["he runs"]]),
        *named("bandai", [["a bandit ambles along, whistling"]]),
    ]
    sets = clip_sets(clips, "test")
    assert list(sets) == [WHOLE, "cmu", "bandai", PEOPLE]
    people, places = sets[PEOPLE]
    assert people.references == (("a person ambles along, whistling",),)
    assert people.clip_ids == ("cmu/000",)
    assert places == [0]
    assert sets["bandai"][1] == [2]
    assert sets["cmu"][0].data_set == "cmu"
    assert sets[WHOLE][0].data_set == "cmu + bandai"


@pytest.mark.parametrize("with_codes", [True, False])
def test_a_training_clip_is_nearest_to_itself(corpus: PreparedCorpus, with_codes: bool):
    torch.manual_seed(0)
    config = AlignmentModelConfig(
        dim=16,
        motion=MotionEncoderConfig(width=16, num_blocks=1, num_heads=2),
        projectors={"text": ProjectorConfig(input_dim=8, width=16, num_heads=2)},
    )
    clips = captioned_clips([corpus], "train")
    tokenizer = make_tokenizer() if with_codes else None
    known = KnownClips(clips, AlignmentModel(config).eval(), tokenizer)
    motions = [clip.motion() for clip in clips]
    found = known.baselines(motions, seed=1)
    assert set(found) == set(BASELINES) - (set() if with_codes else {"nearest_codes"})
    own = [clip.captions[0] for clip in clips]
    assert found["nearest"] == own
    if tokenizer is not None:  # random codebooks cannot tell all clips apart
        uses = code_use(motions, tokenizer)
        alike = (uses @ uses.T > 1 - 1e-5).tolist()
        for text, row in zip(found["nearest_codes"], alike, strict=True):
            assert text in [own[k] for k, same in enumerate(row) if same]
    for text, clip in zip(found["nearest_any"], clips, strict=True):
        assert text in clip.captions
    counts = Counter(text for clip in clips for text in clip.captions)
    assert set(found["frequent"]) == {known.most_frequent}
    assert counts[known.most_frequent] == max(counts.values())
    assert known.baselines(motions, seed=1) == found
    assert all(text in counts for text in found["random"])


def test_clips_without_english_captions(corpus: PreparedCorpus):
    clips = named("foreign", [[]])
    with pytest.raises(DataError, match=r"no test clip with English captions in \['foreign'\]"):
        captioned_clips([clips[0].corpus], "test")
    assert all(clip.captions for clip in captioned_clips([corpus], "train"))


def test_figures_have_values_intervals_and_protocols(encoder: TextEncoder):
    clips = clip_set(30)
    systems = {"good": RIGHT * 10, "bad": WRONG * 10}
    scores = measure_systems(clips, systems, encoder)
    good, bad = (
        {one.name: one for one in figures(clips, scores[name], encoder, "do it")}
        for name in ("good", "bad")
    )
    assert good["Content accuracy"].value == 1
    assert bad["Content accuracy"].value == 0
    assert good["Content accuracy"].interval[0] == pytest.approx(0.8865, abs=1e-3)
    for name, one in good.items():
        low, high = one.interval
        assert low <= one.value + 1e-9
        assert high >= one.value - 1e-9
        assert one.value > bad[name].value
        assert one.protocol.num_samples == 30
        assert one.protocol.clip_seconds == (2.0, 31.0)
        assert "2 to 3 English references a clip" in one.protocol.notes
    assert good["BLEU-4"].protocol.evaluator == "none"
    assert good["Text cosine"].protocol.evaluator == encoder.fingerprint
    assert "names (action_words.yaml) an action" in good["Content accuracy"].protocol.notes[-1]


def test_clips_whose_references_name_nothing_are_left_out(encoder: TextEncoder):
    clips = ClipSet(
        name=WHOLE,
        data_set="made",
        split="test",
        clip_ids=("a", "b"),
        references=(("a table",), ("a man runs",)),
        seconds=(1.0, 2.0),
    )
    scores = measure_systems(clips, {"one": ["he runs", "he runs"]}, encoder)["one"]
    assert scores.decided.tolist() == [False, True]
    content = figures(clips, scores, encoder, "do it")[-1]
    assert (content.value, content.protocol.num_samples) == (1.0, 1)


def test_a_better_system_wins_and_equal_ones_do_not(encoder: TextEncoder):
    clips = clip_set(30)
    systems = {"good": RIGHT * 10, "bad": WRONG * 10, "same": RIGHT * 10}
    scores = measure_systems(clips, systems, encoder)
    found = compare(clips, scores["bad"], scores["good"], ("bad", "good"))
    assert {one.metric for one in found} >= {"BLEU-4", "ROUGE-L", "CIDEr", "Content accuracy"}
    assert {one.winner for one in found if one.metric != "Token F1"} == {"good"}
    even = compare(clips, scores["same"], scores["good"], ("same", "good"))
    assert {one.winner for one in even} == {CANNOT_SEPARATE}
    assert compare(clip_set(5), scores["bad"], scores["good"], ("bad", "good")) == ()


def test_a_subset_keeps_its_values_but_has_its_own_cider(encoder: TextEncoder):
    clips = clip_set(9)
    systems = {"good": RIGHT * 3}
    scores = measure_systems(clips, systems, encoder)
    places = [0, 1, 2, 4]
    part = clips.only("part", places)
    found = subset_scores(scores, part, places, systems)["good"]
    alone = measure_systems(part, {"good": [systems["good"][k] for k in places]}, encoder)["good"]
    torch.testing.assert_close(found.values["CIDEr"], alone.values["CIDEr"])
    torch.testing.assert_close(found.values["ROUGE-L"], alone.values["ROUGE-L"])
    torch.testing.assert_close(found.bleu, alone.bleu)


def test_every_clip_needs_a_caption(encoder: TextEncoder):
    with pytest.raises(RequestError, match="expected 3 captions of 'lazy', got 1"):
        measure_systems(clip_set(3), {"lazy": ["walks"]}, encoder)
