"""Text encoders: the packaged kind, any transformers folder, and the real weights if here."""

from pathlib import Path
from typing import Any

import pytest
import torch
from made_weights import make_e5_file, save_word_tokenizer

from motion.conditioners import Pooling, TextEncoder
from motion.conditioners.baking import is_baked
from motion.conditioners.e5 import MULTILINGUAL_E5_SMALL, bake_e5
from motion.errors import RequestError, WeightsError

WORDS = ["a", "person", "walks", "jumps", "high"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    folder = tmp_path_factory.mktemp("e5")
    bake_e5(make_e5_file()[0], folder)
    return TextEncoder.load(folder)


def test_encode_gives_states_mask_and_unit_mean(encoder: TextEncoder) -> None:
    condition = encoder.encode(["a walks", "jump"])
    assert encoder.prompt == "query: "
    lengths = [len(encoder.token_ids(text)) for text in ("a walks", "jump")]
    assert condition.mask.sum(dim=1).tolist() == lengths
    assert not condition.embedding[~condition.mask].any()
    mean = condition.embedding[1][condition.mask[1]].mean(dim=0)
    torch.testing.assert_close(condition.pooled[1], mean / mean.norm(), atol=1e-6, rtol=0)
    assert (condition.dim, condition.batch_size, condition.modality) == (32, 2, "text")
    assert condition.rate is None
    assert not condition.embedding.is_inference()  # a training step may keep it for backward


def test_batch_of_one_equals_batch_of_many(encoder: TextEncoder) -> None:
    texts = ["a", "a walks and jumps", "é jump"]
    together = encoder.encode(texts)
    for row, text in enumerate(texts):
        alone = encoder.encode([text])
        torch.testing.assert_close(
            together.embedding[row][together.mask[row]], alone.embedding[0], atol=1e-5, rtol=0
        )


def test_long_texts_are_cut_and_keep_their_end_mark(encoder: TextEncoder) -> None:
    ids = encoder.token_ids("walks " * 5000)
    assert len(ids) == encoder.max_tokens == 48
    assert ids[-1] == 2
    assert encoder.encode(["walks " * 5000]).embedding.shape == (1, 48, 32)


def test_empty_texts_are_refused(encoder: TextEncoder) -> None:
    with pytest.raises(RequestError, match=r"number \[1\]"):
        encoder.encode(["a", " \n"])
    with pytest.raises(RequestError, match="at least one"):
        encoder.encode([])


def test_fingerprint_follows_the_weights_and_the_prompt(
    encoder: TextEncoder, tmp_path: Path
) -> None:
    bake_e5(make_e5_file(seed=1)[0], tmp_path)
    others = [TextEncoder.load(tmp_path), TextEncoder.load(encoder.folder, prompt="")]
    assert len({e.fingerprint for e in (encoder, *others)}) == 3
    assert TextEncoder.load(encoder.folder).fingerprint == encoder.fingerprint


def _tiny(kind: str) -> Any:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
             "intermediate_size": 64, "vocab_size": 10, "max_position_embeddings": 24}  # fmt: skip
    if kind == "mpnet":
        return transformers.MPNetModel(transformers.MPNetConfig(**sizes))
    if kind == "bert-relu":
        return transformers.BertModel(transformers.BertConfig(**sizes, hidden_act="relu"))
    if kind == "clip_text":
        ids = {"eos_token_id": 6, "bos_token_id": 2, "pad_token_id": 0}
        return transformers.CLIPTextModel(transformers.CLIPTextConfig(**sizes, **ids))
    if kind == "clip":
        ids = {"eos_token_id": 6, "bos_token_id": 2, "pad_token_id": 0}
        vision = {k: v for k, v in sizes.items() if k not in ("vocab_size",)}
        config = transformers.CLIPConfig(
            text_config=sizes | ids,
            vision_config=vision | {"image_size": 8, "patch_size": 4},
            projection_dim=16,
        )
        return transformers.CLIPModel(config)
    config = transformers.T5Config(
        vocab_size=10, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4
    )
    return transformers.T5Model(config)


@pytest.mark.parametrize("kind", ["mpnet", "bert-relu", "clip_text", "clip", "t5"])
def test_any_transformers_folder_works(kind: str, tmp_path: Path) -> None:
    _tiny(kind).save_pretrained(tmp_path)
    save_word_tokenizer(tmp_path, WORDS)
    encoder = TextEncoder.load(tmp_path)
    condition = encoder.encode(["a person walks", "a person jumps high"])
    assert condition.embedding.shape == (2, 4, 32)
    assert condition.mask.tolist() == [[True] * 3 + [False], [True] * 4]
    torch.testing.assert_close(condition.pooled.norm(dim=-1), torch.ones(2))
    alone = encoder.encode(["a person walks"])
    torch.testing.assert_close(condition.embedding[0, :3], alone.embedding[0], atol=1e-5, rtol=0)
    assert encoder.pooling is (Pooling.MODEL if kind.startswith("clip") else Pooling.MEAN)
    assert encoder.max_tokens == (512 if kind == "t5" else 24)


def test_first_token_pooling_is_read_from_the_folder(tmp_path: Path) -> None:
    bake_e5(make_e5_file()[0], tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text('{"pooling_mode_cls_token": true}')
    condition = TextEncoder.load(tmp_path).encode(["a walks"])
    first = condition.embedding[:, 0]
    torch.testing.assert_close(condition.pooled, first / first.norm(dim=-1, keepdim=True))


def test_folders_without_an_encoder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"has no config\.json"):
        TextEncoder.load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="not valid JSON"):
        TextEncoder.load(tmp_path)


@pytest.fixture(scope="module")
def real() -> TextEncoder:
    if not is_baked(MULTILINGUAL_E5_SMALL.folder):
        pytest.skip("multilingual-e5-small is not in the cache")
    return TextEncoder.load()


MEANINGS = [
    ("a person walks forward", "someone is strolling ahead", "一个人向前走"),
    ("a man sits down on a chair", "the guy takes a seat", "un hombre se sienta en una silla"),
    ("someone kicks with the left leg", "a strike with the left foot", "رجل يركل بالساق اليسرى"),
    ("a person jumps up and down", "hopping on the spot", "человек прыгает вверх и вниз"),
    ("he throws a ball", "tossing a ball", "वह गेंद फेंकता है"),
    ("someone bows deeply", "bending the upper body in respect", "誰かが深くお辞儀をする"),
    ("a person runs in a circle", "jogging around in a loop", "mtu anakimbia kwa mduara"),
]


@pytest.mark.parametrize("column", [1, 2])
def test_real_weights_match_paraphrases_and_languages(real: TextEncoder, column: int) -> None:
    originals = real.encode([row[0] for row in MEANINGS]).pooled
    others = real.encode([row[column] for row in MEANINGS]).pooled
    best = (others @ originals.T).argmax(dim=1)
    assert (best == torch.arange(len(MEANINGS))).sum() >= len(MEANINGS) - 1


def test_real_tokenizer_keeps_the_published_vocabulary(real: TextEncoder) -> None:
    # XLM-R's vocabulary, which e5 uses, begins: <s> <pad> </s> <unk> "," "." "▁" "s".
    assert [real.tokenizer.id_to_token(index) for index in range(8)] == [
        "<s>", "<pad>", "</s>", "<unk>", ",", ".", "▁", "s"
    ]  # fmt: skip
    ids = real.token_ids("a person walks forward")
    assert (ids[0], ids[-1]) == (0, 2)
    assert real.tokenizer.decode(ids) == "query: a person walks forward"
