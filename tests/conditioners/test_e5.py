"""The 4-bit file: values, tokenizer, damage, and the baked transformers folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_weights import LAYERS, PIECES, POSITIONS, WIDTH, make_e5_file
from tokenizers import Tokenizer

from motion.conditioners.bert import BertEncoder
from motion.conditioners.e5 import bake_e5, read_e5
from motion.errors import WeightsError


@pytest.fixture(scope="module")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("e5")
    bake_e5(make_e5_file()[0], folder)
    return folder


def test_every_value_is_read() -> None:
    data, meanings = make_e5_file()
    file = read_e5(data)
    assert (file.header.width, file.header.num_layers) == (WIDTH, LAYERS)
    assert file.vocabulary.pieces == tuple(PIECES)
    for name, values in meanings.items():
        found = file.tensor(name, *values.shape).float().numpy()
        np.testing.assert_allclose(found, values, rtol=2**-10, err_msg=name)  # fp16 of Q4


def test_damage_is_one_sentence() -> None:
    data, _ = make_e5_file()
    with pytest.raises(WeightsError, match="starts with b'E5S1'"):
        read_e5(b"PK\x03\x04" + data[4:])
    with pytest.raises(WeightsError, match="version 1 with blocks of 32, got version 2"):
        read_e5(data[:4] + b"\x02" + data[5:])
    for length in (6, 60, 400, 1000):
        with pytest.raises(WeightsError, match="damaged or cut short"):
            read_e5(data[:length])
    with pytest.raises(WeightsError, match=r"ends before its tensor 'l1\.oln\.b'"):
        read_e5(data[:-5]).tensor("l1.oln.b", WIDTH)
    with pytest.raises(WeightsError, match="should have shape"):
        read_e5(data).tensor("emb.pos", POSITIONS, WIDTH + 1)
    with pytest.raises(WeightsError, match=r"no tensor 'l9\.q\.w'"):
        read_e5(data).tensor("l9.q.w", WIDTH, WIDTH)


def test_baked_tokenizer_splits_by_best_score(baked: Path) -> None:
    tokenizer = Tokenizer.from_file(str(baked / "tokenizer.json"))
    encoding = tokenizer.encode("query:  a\twalks ")
    assert encoding.tokens == ["<s>", "▁query", ":", "▁a", "▁walk", "s", "</s>"]
    assert encoding.ids == [0, 11, 12, 5, 6, 7, 2]
    assert tokenizer.encode("a ﬁ").tokens == ["<s>", "▁a", "▁", "fi", "</s>"]
    assert tokenizer.encode("e\u0301").tokens == tokenizer.encode("é").tokens
    assert tokenizer.decode([5, 6, 7]) == "a walks"


@pytest.mark.parametrize("lengths", [[7], [7, 3, 5]])
def test_baked_folder_is_a_transformers_model(baked: Path, lengths: list[int]) -> None:
    transformers = pytest.importorskip("transformers")
    reference = transformers.BertModel.from_pretrained(
        baked, dtype=torch.float32, add_pooling_layer=False
    ).eval()
    own = BertEncoder.from_folder(baked)
    ids = torch.randint(0, 20, (len(lengths), max(lengths)))
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    with torch.no_grad():
        expected = reference(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        found = own(ids, mask)
    torch.testing.assert_close(found[mask], expected[mask], atol=1e-5, rtol=0)


def test_baked_weights_are_what_the_file_says(baked: Path) -> None:
    _, meanings = make_e5_file()
    own = BertEncoder.from_folder(baked)
    expected = torch.from_numpy(meanings["l1.k.w"])
    found = own.layers[1].query_key_value.weight[WIDTH : 2 * WIDTH]
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    settings = json.loads((baked / "config_sentence_transformers.json").read_text())
    assert settings["prompts"][settings["default_prompt_name"]] == "query: "
