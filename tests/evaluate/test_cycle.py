"""Cycle consistency against captions and motions whose steps are known."""

from pathlib import Path

import pytest
import torch
from made_alignment import make_alignment_model
from made_checkpoints import write_encoder
from made_motions import make_walk

from motion.conditioners.text import TextEncoder
from motion.errors import RequestError
from motion.evaluate.cycle import CYCLE_BAR, caption_cycle, motion_cycle

STEPS = [
    *("walk", "turn left", "sit on a chair", "wave", "jump up high", "a person bows", "kick"),
    *("dance to music", "lie on the floor", "drink tea", "clap", "throw", "point at it", "nod"),
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    folder: Path = tmp_path_factory.mktemp("encoder")
    return TextEncoder.load(write_encoder(folder))


def test_captions_that_repeat_the_steps_are_all_found(encoder: TextEncoder):
    found = caption_cycle(encoder, STEPS, STEPS)
    assert (found.hits, found.mean_rank, found.num_segments) == (1.0, 1.0, len(STEPS))
    assert found.times_chance == pytest.approx(10)


def test_captions_of_other_segments_are_not(encoder: TextEncoder):
    found = caption_cycle(encoder, STEPS[1:] + STEPS[:1], STEPS)
    assert found.hits < 0.2
    assert found.times_chance < CYCLE_BAR


def test_one_caption_for_everything_is_near_chance(encoder: TextEncoder):
    found = caption_cycle(encoder, ["a person moves"] * len(STEPS), STEPS)
    assert found.hits == pytest.approx(found.chance, abs=0.12)
    assert found.chance == 0.1


def test_draws_are_seeded(encoder: TextEncoder):
    captions = STEPS[:7] + STEPS[:7]
    once, again, other = (caption_cycle(encoder, captions, STEPS, seed) for seed in (0, 0, 5))
    assert once == again
    assert abs(once.mean_rank - other.mean_rank) < 1.5


def test_steps_that_say_the_same_are_no_rivals(encoder: TextEncoder):
    found = caption_cycle(encoder, STEPS * 2, STEPS * 2)
    assert found.hits == 1.0


def test_motions_are_looked_for_in_the_shared_space(encoder: TextEncoder):
    space = make_alignment_model()
    motions = [make_walk(30 + n) for n in range(len(STEPS))]
    with torch.no_grad():
        found = motion_cycle(space, encoder, motions, STEPS)
    assert found.num_segments == len(STEPS)
    assert 0 <= found.hits <= 0.6, "nearly equal motions cannot all be found"
    assert 1 <= found.mean_rank <= 10


def test_what_cannot_be_measured(encoder: TextEncoder):
    with pytest.raises(RequestError, match="expected one of each for 14 steps, got 13"):
        caption_cycle(encoder, STEPS[1:], STEPS)
    with pytest.raises(RequestError, match="'walk' has 2 beside it; measure more segments"):
        caption_cycle(encoder, STEPS[:3], STEPS[:3])
