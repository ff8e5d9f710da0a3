import pytest
import torch

from motion.data import Caption
from motion.train.code_store import CodeSequence, CodeStore
from motion.train.stitching import (
    JOINERS,
    MEASURED,
    Piece,
    Sample,
    Stitcher,
    codes_of,
    single_samples,
)

MAX_STEPS = 30


@pytest.fixture(scope="module")
def stitcher(store: CodeStore) -> Stitcher:
    return Stitcher(store, [1.0] * len(store.sequences), seed=0)


def drawn(store: CodeStore, share: float, count: int = 60, max_steps: int = MAX_STEPS):
    stitcher = Stitcher(store, [1.0] * len(store.sequences), seed=1)
    samples = [stitcher.draw(max_steps, share) for _ in range(count)]
    return [sample for sample in samples if sample is not None]


def gaps(store: CodeStore, sample: Sample) -> list[float]:
    """Distance between the poses at every seam."""
    result = []
    for left, right in zip(sample.pieces, sample.pieces[1:], strict=False):
        last = store.last_pose[store.sequences[left.sequence].start + left.stop - 1]
        first = store.first_pose[store.sequences[right.sequence].start + right.start]
        result.append(float(torch.dist(last, first)))
    return result


def test_single_samples_are_the_sequences(store: CodeStore):
    weights = [float(index) for index in range(len(store.sequences))]
    samples = single_samples(store, weights)
    assert [sample.weight for sample in samples] == weights
    for index, sample in enumerate(samples):
        assert torch.equal(codes_of(store, sample), store.sequence_codes(index))
        captions = store.sequences[index].captions
        assert sample.texts == tuple(caption.text for caption in captions)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_pieces_lie_within_their_sequences_and_lengths_within_the_limit(
    store: CodeStore, share: float
):
    samples = drawn(store, share)
    assert len(samples) > 20
    assert any(len(sample.pieces) > 1 for sample in samples)
    for sample in samples:
        assert 0 < sample.num_steps <= MAX_STEPS
        for piece in sample.pieces:
            assert 0 <= piece.start < piece.stop <= store.sequences[piece.sequence].num_steps
        rows = [store.sequence_codes(p.sequence)[p.start : p.stop] for p in sample.pieces]
        assert torch.equal(codes_of(store, sample), torch.cat(rows))


def test_continuations_keep_a_caption_that_all_pieces_share(store: CodeStore):
    for sample in drawn(store, share=0.0):
        assert len(sample.texts) == 1
        for piece in sample.pieces:
            captions = store.sequences[piece.sequence].captions
            assert sample.texts[0] in [caption.text for caption in captions]


def test_successions_join_two_kinds_and_say_so_in_one_language(store: CodeStore):
    samples = drawn(store, share=1.0, max_steps=40)
    texts = [sample.texts[0] for sample in samples]
    for sample, text in zip(samples, texts, strict=True):
        kinds = [store.sequences[piece.sequence].label for piece in sample.pieces]
        assert len(kinds) == 2
        assert kinds[0] != kinds[1]
        said = [store.sequences[piece.sequence].captions for piece in sample.pieces]
        made = set()
        for language in ("en", "fr"):
            a, b = (c.text.rstrip(".") for row in said for c in row if c.language == language)
            for subject in ("a person ", "someone ") if language == "en" else ("",):
                short = b.removeprefix(subject)
                made |= {joiner.format(a=a, b=short) for joiner in JOINERS[language]}
        assert text in made
    assert any(", then " in text for text in texts)
    assert any(", puis " in text for text in texts)
    assert not any(" then a person" in text or "., " in text for text in texts)


def test_seams_are_closer_than_chance(store: CodeStore):
    found = [gap for sample in drawn(store, 1.0) for gap in gaps(store, sample)]
    torch.manual_seed(2)
    left, right = torch.randint(len(store.codes), (2, 400))
    chance = torch.linalg.vector_norm(store.last_pose[left] - store.first_pose[right], dim=-1)
    assert torch.tensor(found).mean() < 0.7 * chance.mean()


def test_same_seed_same_samples(store: CodeStore):
    assert drawn(store, 0.5, count=20) == drawn(store, 0.5, count=20)


@pytest.mark.parametrize(
    "text",
    ["a person walks 3 metres", "walks two steps", "turns once", "camina dos metros", "三米"],
)
def test_captions_that_measure_are_not_stretched(text: str):
    assert MEASURED.search(text)
    poses = torch.zeros(10, 3)
    sequence = CodeSequence(
        clip_id="a", corpus="b", label="c", start=0, num_steps=10, captions=(Caption(text),)
    )
    store = CodeStore(torch.zeros(10, 2, dtype=torch.long), poses, poses, (sequence,))
    assert Stitcher(store, [1.0], seed=0).draw(MAX_STEPS, 0.0) is None


def test_limits_below_the_usual_target_work(store: CodeStore):
    samples = drawn(store, 0.0, max_steps=9)
    assert samples
    assert max(sample.num_steps for sample in samples) <= 9


def test_stitched_sample_counts_its_steps():
    assert Sample((Piece(0, 2, 5), Piece(3, 0, 4)), ("a",), 1.0).num_steps == 7
