"""Captions: choosing among candidates, segments of long motions, what happens without words."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from made_checkpoints import write_checkpoint
from made_motions import make_walk
from made_release import write_space

from motion.alignment import CaptionMemory
from motion.errors import RequestError
from motion.formats import write_npz
from motion.generate import MotionGenerator
from motion.generate.caption_records import CaptionConfig
from motion.generate.captioning import NOTHING_KNOWN, Captioner
from motion.representation import Motion
from motion.tasks.answering import Question
from motion.tasks.prompts import make_prompt

SHORT = CaptionConfig(max_tokens=8)
SILENT = CaptionConfig(max_tokens=0)
"""Every answer has 0 tokens."""


@pytest.fixture(scope="module")
def knowing(encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> MotionGenerator:
    """A generator with a shared space and a library of two walks, one of which has captions."""
    folder = tmp_path_factory.mktemp("knowing")
    write_checkpoint(folder)
    (folder / "walks").mkdir()
    for name, step_seconds in (("quick", 0.35), ("slow", 0.9)):
        write_npz(make_walk(45, step_seconds=step_seconds), folder / "walks" / f"{name}.npz")
    (folder / "walks" / "slow.txt").write_text("a person  strolls.\nsomeone walks\n", "utf-8")
    write_space(folder, ["text"])
    generator = MotionGenerator.from_pretrained(folder, text_encoder=encoder_folder)
    flatten(generator, keep_letters=True)
    return generator


@torch.no_grad()
def flatten(generator: MotionGenerator, *, keep_letters: bool) -> None:
    """Let a random model find all pieces equally likely, or all but those with letters."""
    model = generator.language.model
    rows = model.backbone.get_output_embeddings().weight
    for piece in range(len(rows)):
        letters = any(c.isalpha() for c in generator.answerer.text_of([piece]))
        if not (keep_letters and letters):
            rows[piece] = 0
    model.special.weight.zero_()
    torch.nn.init.constant_(model.copying.gate.bias, -30.0)  # nothing is copied


@pytest.fixture(scope="module")
def long_walk() -> Motion:
    return make_walk(760)


def test_seed_decides(knowing: MotionGenerator, walk_motion: Motion):
    first, again, other = (
        knowing.caption(walk_motion, config=SHORT, seed=seed) for seed in (3, 3, 4)
    )
    assert first == again
    assert first.segments[0].candidates != other.segments[0].candidates
    assert first.segments[0].candidates[0] == other.segments[0].candidates[0]


def test_one_candidate_is_the_likeliest_text(knowing: MotionGenerator, walk_motion: Motion):
    config = CaptionConfig(max_tokens=12, candidates=1)
    question = Question(
        prompt=make_prompt("motion_to_text"), motion=knowing.codes_of(walk_motion), max_tokens=12
    )
    answer = knowing.answerer.answer([question])[0]
    found = knowing.caption(walk_motion, config=config)
    assert "".join(found.text.split()) in "".join(answer.text.split())
    assert found.segments[0].candidates[0].log_likelihood == answer.log_likelihood
    assert found == replace(knowing.caption(walk_motion, config=config, seed=9), seed=0)


def test_weights_choose_among_the_candidates(knowing: MotionGenerator, walk_motion: Motion):
    config = CaptionConfig(candidates=8, max_tokens=8, agreement_weight=0.0)
    by = {
        name: knowing.caption(walk_motion, config=replace(config, **{f"{name}_weight": 0.0}))
        for name in ("likelihood", "similarity")
    }
    candidates = by["likelihood"].segments[0].candidates
    assert len({one.text for one in candidates}) == len(candidates) > 3
    most_alike = max(candidates, key=lambda one: one.similarity or 0)
    likeliest = max(candidates, key=lambda one: one.log_likelihood)
    assert by["likelihood"].text == most_alike.text
    assert by["similarity"].text == likeliest.text
    assert by["similarity"].score == pytest.approx(likeliest.log_likelihood)
    both = knowing.caption(walk_motion, config=config)
    assert both.score == pytest.approx(max(one.score(config) for one in candidates))


def remember(generator: MotionGenerator, motion: Motion, *said: tuple[str, ...]) -> Captioner:
    """A captioner who remembers motions exactly like one, each with its captions."""
    alignment, library = generator.shared_space()
    place = alignment.embed_motion(motion, parts=("lower", "upper"))
    memory = CaptionMemory(said, place.expand(len(said), -1), alignment.fingerprint)
    space = (alignment, library)
    return Captioner(generator.answerer, generator.codes_of, generator.text_encoder, space, memory)


def test_what_is_remembered_is_evidence_and_candidate(
    knowing: MotionGenerator, walk_motion: Motion
):
    captioner = remember(
        knowing, walk_motion, ("a person strolls ahead",), ("a person strolls  along",), ("sits",)
    )
    found = captioner.caption(walk_motion, SHORT).segments[0]
    by_text = {one.text: one for one in found.candidates}
    assert {one.origin for one in found.candidates} == {"model", "retrieval"}
    assert by_text["a person strolls along"].agreement > by_text["sits"].agreement
    assert by_text["sits"].agreement == pytest.approx(0.7 / 3, abs=0.01)
    assert all(one.log_likelihood < 0 for one in found.candidates)
    only = replace(SHORT, likelihood_weight=0.0, similarity_weight=0.0)
    chosen = captioner.caption(walk_motion, only)
    assert chosen.text.startswith("a person strolls")
    assert (chosen.origin, chosen.warnings) == ("retrieval", ())


def test_without_neighbours_the_model_is_alone(knowing: MotionGenerator, walk_motion: Motion):
    captioner = remember(knowing, walk_motion, ("a person strolls",))
    alone = captioner.caption(walk_motion, replace(SHORT, neighbours=0))
    assert alone == knowing.caption(walk_motion, config=replace(SHORT, neighbours=0))
    assert {one.origin for one in alone.segments[0].candidates} == {"model"}


def test_without_words_the_memory_speaks(knowing: MotionGenerator, walk_motion: Motion):
    found = remember(knowing, walk_motion, ("he walks",), ("he walks on",)).caption(
        walk_motion, SILENT
    )
    assert found.origin == "retrieval"
    assert found.text in ("he walks", "he walks on")
    assert "wrote no words" in found.warnings[0]


def test_similarity_is_the_cosine_in_the_shared_space(
    knowing: MotionGenerator, walk_motion: Motion
):
    alignment, _ = knowing.shared_space()
    body = alignment.embed_motion(walk_motion, parts=("lower", "upper"))[0]
    for one in knowing.caption(walk_motion, config=SHORT).segments[0].candidates:
        text = alignment.embed_text(knowing.text_encoder.encode([one.text]))[0]
        assert one.similarity == pytest.approx(float(text @ body), abs=1e-4)


def test_a_long_motion_is_told_in_segments(knowing: MotionGenerator, long_walk: Motion):
    config = CaptionConfig(candidates=1, max_tokens=6)
    found = knowing.caption(long_walk, config=config)
    edges = [s.start_seconds for s in found.segments] + [found.segments[-1].end_seconds]
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(760 / 30)
    lengths = [b - a for a, b in pairwise(edges)]
    assert all(2.5 <= seconds <= 10 for seconds in lengths)
    second = found.segments[1]
    piece = long_walk.frames(round(second.start_seconds * 30), round(second.end_seconds * 30))
    alone = knowing.caption(piece, config=config)
    assert alone.text == second.text
    assert alone.score == pytest.approx(second.score, abs=1e-3)
    weighted = sum(s.score * t for s, t in zip(found.segments, lengths, strict=True))
    assert found.score == pytest.approx(weighted / sum(lengths))


def test_segments_may_be_shorter(knowing: MotionGenerator, walk_motion: Motion):
    found = knowing.caption(walk_motion, config=SHORT, candidates=1, segment_seconds=1)
    assert [s.end_seconds - s.start_seconds <= 1 for s in found.segments] == [True] * len(
        found.segments
    )
    assert len(found.segments) >= 2


@pytest.mark.parametrize("fps", [25.0, 60.0])
def test_any_rate(knowing: MotionGenerator, walk_motion: Motion, fps: float):
    found = knowing.caption(replace(walk_motion, fps=fps), config=SHORT, candidates=1)
    assert found.segments[-1].end_seconds == pytest.approx(60 / fps, abs=1 / 30)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_very_short(knowing: MotionGenerator, walk_motion: Motion, frames: int):
    assert knowing.caption(walk_motion.frames(0, frames), config=SHORT).segments[0].candidates


def test_without_words_the_nearest_known_motion_speaks(knowing: MotionGenerator, long_walk: Motion):
    found = knowing.caption(long_walk, config=SILENT)
    assert found.origin == "retrieval"
    assert found.text == "a person strolls."  # once, though there are several segments
    assert len(found.warnings) == len(found.segments) > 1
    assert "0.0 to" in found.warnings[0]
    assert "wrote no words; the caption is that of the nearest known motion" in found.warnings[0]


def test_without_words_and_without_a_library(generator: MotionGenerator, walk_motion: Motion):
    found = generator.caption(walk_motion, config=SILENT)
    assert (found.text, found.origin) == (NOTHING_KNOWN, "none")
    assert any("no known motion to compare with" in warning for warning in found.warnings)


def test_without_a_shared_space_likelihood_decides(generator: MotionGenerator, walk_motion: Motion):
    found = generator.caption(walk_motion, config=SHORT)
    candidates = found.segments[0].candidates
    assert found.text == max(candidates, key=lambda one: one.log_likelihood).text
    assert {one.similarity for one in candidates} == {None}
    assert "likelihood alone chose the words" in found.warnings[-1]


def test_an_answer_without_words_is_asked_for_again(
    checkpoint: Path, encoder_folder: Path, walk_motion: Motion
):
    generator = MotionGenerator.from_pretrained(checkpoint, text_encoder=encoder_folder)
    flatten(generator, keep_letters=False)
    codes = generator.codes_of(walk_motion)
    question = Question(prompt=make_prompt("motion_to_text"), motion=codes, max_tokens=20)
    greedy = generator.answerer.answer([question])[0]
    assert not any(letter.isalpha() for letter in greedy.text)
    found = generator.caption(walk_motion, config=CaptionConfig(candidates=1, max_tokens=20))
    assert found.origin == "model"
    assert any(letter.isalpha() for letter in found.text)
    assert found.text.isprintable()


def test_hands_alone_cannot_be_described(generator: MotionGenerator, walk_motion: Motion):
    hands = replace(walk_motion, parts=frozenset({"left_hand", "face"}))
    with pytest.raises(RequestError, match=r"legs \(lower\).*the motion has face and left_hand"):
        generator.caption(hands)
    assert generator.caption(replace(walk_motion, parts=frozenset({"upper"})), config=SHORT).text


def test_broken_motions_are_refused(generator: MotionGenerator, walk_motion: Motion):
    with pytest.raises(RequestError, match="got one without frames"):
        generator.caption(walk_motion.frames(0, 0))
    transl = walk_motion.transl.clone()
    transl[3, 1] = torch.nan
    with pytest.raises(RequestError, match="values that are no numbers"):
        generator.caption(replace(walk_motion, transl=transl))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"candidates": 0}, "candidates must lie between 1 and 16, got 0"),
        ({"candidates": 17}, "candidates must lie between 1 and 16, got 17"),
        ({"neighbours": -1}, "neighbours must lie between 0 and 256, got -1"),
        ({"segment_seconds": 0.5}, "segments must last between 1 and 60 seconds, got 0.5"),
        ({"segment_seconds": float("nan")}, "segments must last between 1 and 60 seconds"),
        ({"seed": -1}, "the seed must lie in 0 to 2"),
    ],
)
def test_impossible_wishes(generator: MotionGenerator, walk_motion: Motion, wish, message):
    with pytest.raises(RequestError, match=message):
        generator.caption(walk_motion, **wish)
