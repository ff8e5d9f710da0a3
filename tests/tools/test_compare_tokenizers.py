"""The tokenizer of the whole body that ours is compared with, and training by the clock."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch
from made_motions import make_walk

from motion.evaluate.reconstruction import evaluate_reconstruction
from motion.representation import extract_features
from motion.tokenizer import NetworkConfig, PartTokenizerConfig, QuantizerConfig
from motion.train.feature_store import FeatureStore

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    """Import a module of the tools as a script of theirs would."""
    monkeypatch.syspath_prepend(str(TOOLS))

    def one(name: str) -> ModuleType:
        return importlib.import_module(name)

    return one


@pytest.fixture
def store() -> FeatureStore:
    clip = extract_features(make_walk(120))
    return FeatureStore(
        features={name: clip[name] for name in ("lower", "upper")},
        starts=torch.tensor([0]),
        lengths=torch.tensor([120]),
        weights=torch.tensor([1.0], dtype=torch.float64),
        clip_ids=("walk",),
    )


@pytest.mark.parametrize("num_frames", [1, 6, 41])
def test_whole_body_keeps_the_length(load, num_frames: int):
    tokenizer = load("tokenizer_comparison.whole_body").WholeBodyTokenizer(8, 16)
    codes = tokenizer.encode(make_walk(num_frames))
    assert codes.parts["body"].shape == (-(-num_frames // 4), 6)
    assert tokenizer.decode(codes).num_frames == num_frames


def test_whole_body_has_the_published_sizes(load):
    module = load("tokenizer_comparison.whole_body")
    tokenizer = module.WholeBodyTokenizer()
    assert tokenizer.code_vectors("body").shape == (6, 512, 512)
    assert load("compare_tokenizers").bits(tokenizer.quantizer.codebooks, 4) == 6 * 9 * 7.5


def test_budgets_are_kept_and_training_helps(load, store: FeatureStore):
    training = load("tokenizer_comparison.training")
    whole = load("tokenizer_comparison.whole_body").WholeBodyTokenizer(16, 16)
    walk = [make_walk(120)]
    made = training.train_whole_body(whole, store, 0.5, 1e-3, 0)
    short = evaluate_reconstruction(whole, walk)
    assert 0.5 <= made.cpu_seconds < 3
    assert made.steps > 0
    assert whole.quantizer.initialised.any()
    longer = load("tokenizer_comparison.whole_body").WholeBodyTokenizer(16, 16)
    more = training.train_whole_body(longer, store, 3.0, 1e-3, 0)
    assert more.steps > made.steps
    assert evaluate_reconstruction(longer, walk).mpjpe_mm < short.mpjpe_mm


def test_parts_are_trained_by_the_clock(load, store: FeatureStore):
    config = PartTokenizerConfig(
        part="lower",
        refiner_width=8,
        network=NetworkConfig(widths=(8, 8, 16), blocks=(0, 1, 1)),
        quantizer=QuantizerConfig(codebook_size=16, code_dim=8, num_quantizers=2),
    )
    part, made = load("tokenizer_comparison.training").train_part(config, store, 0.5, 0)
    assert made.cpu_seconds >= 0.5
    assert not part.training
    assert part.quantizer.initialised.any()
    assert torch.allclose(part.mean, store.features["lower"].mean(0))
