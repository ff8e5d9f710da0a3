"""The feature cache: what comes out equals the encoder, and nothing is encoded twice."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from made_weights import make_e5_file

from motion.conditioners import TextEncoder, cache_text_features, open_text_features
from motion.conditioners.e5 import bake_e5
from motion.errors import RequestError, WeightsError

TEXTS = ["a walks", "jump", "a walks and a jump", "é", "jump", "a query: walks"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    folder = tmp_path_factory.mktemp("e5")
    bake_e5(make_e5_file()[0], folder)
    return TextEncoder.load(folder)


def _counting(encoder: TextEncoder) -> tuple[TextEncoder, list[int]]:
    """Give the same encoder, and a list that grows by the size of each batch it runs."""
    sizes: list[int] = []

    def states(token_ids: Any, mask: Any) -> Any:
        sizes.append(len(token_ids))
        return encoder.states(token_ids, mask)

    return replace(encoder, states=states), sizes


def test_gather_equals_the_encoder(encoder: TextEncoder, tmp_path: Path) -> None:
    table = cache_text_features(TEXTS, encoder, tmp_path, progress=False)
    assert (len(table), table.dim) == (6, 32)
    picked = [5, 0, 3]
    found, expected = table.gather(picked), encoder.encode([TEXTS[i] for i in picked])
    assert torch.equal(found.mask, expected.mask)
    torch.testing.assert_close(found.embedding, expected.embedding, atol=2e-3, rtol=0)  # fp16
    torch.testing.assert_close(found.pooled, expected.pooled, atol=2e-3, rtol=0)
    torch.testing.assert_close(table.pooled()[picked], found.pooled)
    assert torch.equal(table.gather(torch.tensor(picked)).embedding, found.embedding)


def test_only_new_texts_are_encoded(encoder: TextEncoder, tmp_path: Path) -> None:
    counted, sizes = _counting(encoder)
    cache_text_features(TEXTS, counted, tmp_path, progress=False)
    assert sum(sizes) == 5  # "jump" comes twice
    cache_text_features(TEXTS[::-1], counted, tmp_path, progress=False)
    assert sum(sizes) == 5
    table = cache_text_features(["jump", "walks", "a walks"], counted, tmp_path, progress=False)
    assert sum(sizes) == 6
    expected = encoder.encode(["walks"]).pooled
    torch.testing.assert_close(table.gather([1]).pooled, expected, atol=2e-3, rtol=0)


def test_shards_survive_a_stop(
    encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motion.conditioners.cache._SHARD_TEXTS", 2)

    def stop(token_ids: Any, mask: Any) -> Any:
        if token_ids.shape[1] > 8:
            raise KeyboardInterrupt
        return encoder.states(token_ids, mask)

    with pytest.raises(KeyboardInterrupt):
        cache_text_features(TEXTS, replace(encoder, states=stop), tmp_path, progress=False)
    counted, sizes = _counting(encoder)
    table = cache_text_features(TEXTS, counted, tmp_path, progress=False)
    assert 0 < sum(sizes) < 5
    expected = encoder.encode(TEXTS).pooled
    torch.testing.assert_close(table.pooled(), expected, atol=2e-3, rtol=0)


def test_encoders_do_not_mix(encoder: TextEncoder, tmp_path: Path) -> None:
    cache_text_features(TEXTS, encoder, tmp_path, progress=False)
    with pytest.raises(WeightsError, match="5 of 5 texts are not in the feature cache"):
        open_text_features(TEXTS[:5], replace(encoder, prompt=""), tmp_path)


def test_damage_and_empty_texts(encoder: TextEncoder, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="empty"):
        cache_text_features(["a", ""], encoder, tmp_path, progress=False)
    cache_text_features(["a"], encoder, tmp_path, progress=False)
    (shard,) = (tmp_path / encoder.fingerprint).glob("*.safetensors")
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(WeightsError, match=r"is damaged .* delete it"):
        cache_text_features(["a"], encoder, tmp_path, progress=False)
