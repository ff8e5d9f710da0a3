"""A small prepared corpus, encoded by a tiny tokenizer."""

from pathlib import Path

import pytest
import torch
from made_checkpoints import write_encoder
from made_corpora import write_prepared
from made_models import make_tokenizer

from motion.conditioners import TextEncoder, TextFeatureTable, cache_text_features
from motion.data import PreparedCorpus
from motion.tokenizer import MotionTokenizer
from motion.train.code_store import CodeStore, encode_corpora
from motion.train.feature_store import build_store


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the prepared corpora ``made`` (body) and ``whole`` (hands and face, too)."""
    root = tmp_path_factory.mktemp("prepared")
    write_prepared(root / "made")
    write_prepared(root / "whole", "whole", whole_body=True)
    return root


@pytest.fixture(scope="session")
def made(prepared: Path) -> PreparedCorpus:
    return PreparedCorpus.load(prepared / "made")


@pytest.fixture(scope="session")
def tokenizer(made: PreparedCorpus) -> MotionTokenizer:
    """Untrained, but with the statistics of the corpus and codes that lie where its latents do."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    features = build_store([made], "train", ["lower", "upper"], mirror=True)
    for name in tokenizer.part_names:
        part = tokenizer.part(name)
        part.set_statistics(*features.statistics(name))
        values = (features.clip(0)[name] - part.mean) / part.std
        with torch.no_grad():
            latent = part.encoder(values[None, :66])[0]  # eleven codes of a walk
        books = part.quantizer.codebooks
        books[0, : len(latent)] = latent
        books[1] = 0.5 * latent.std(0) * torch.randn_like(books[1])
    return tokenizer


@pytest.fixture(scope="session")
def store(made: PreparedCorpus, tokenizer: MotionTokenizer) -> CodeStore:
    return encode_corpora([made], "train", tokenizer, mirror=True, phases=(0, 3))


@pytest.fixture(scope="session")
def texts(store: CodeStore) -> dict[str, int]:
    said = dict.fromkeys(c.text for s in store.sequences for c in s.captions)
    return {text: index for index, text in enumerate(said)}


@pytest.fixture(scope="session")
def features(texts: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> TextFeatureTable:
    folder = tmp_path_factory.mktemp("features")
    encoder = TextEncoder.load(write_encoder(folder / "encoder"))
    return cache_text_features(list(texts), encoder, folder / "cache", progress=False)
