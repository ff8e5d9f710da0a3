"""T5 backbones against plain transformers, and GPT-2 where both write text."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from made_models import make_condition, make_language_model, make_streams
from made_questions import make_prompt
from safetensors.torch import load_file

from motion.errors import ConfigError, RequestError, WeightsError
from motion.generate import load_language_model, save_language_model
from motion.language import (
    BackboneConfig,
    DecodingEngine,
    EncoderDecoderDecoder,
    EngineConfig,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    SamplingConfig,
    StepRequest,
    TextWriter,
    WritingRequest,
    build_backbone,
)
from motion.language.reading import embed_prompt
from motion.train.text_pieces import train_text_pieces

SIZES = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 3, "num_heads": 4}
WORDS = 60
EXACT = EngineConfig(precision="float32")


def write_t5(folder: Path) -> Path:
    """As the first T5: one embedding for all, states scaled before the head."""
    config = transformers.T5Config(**SIZES, vocab_size=WORDS, decoder_start_token_id=0)
    transformers.T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def write_flan_t5(folder: Path) -> Path:
    """As T5 1.1 and Flan-T5: gated layers, a head of its own, nothing scaled."""
    config = transformers.T5Config(
        **SIZES,
        vocab_size=WORDS,
        decoder_start_token_id=0,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
    )
    model = transformers.T5ForConditionalGeneration(config)
    model.lm_head.weight = torch.nn.Parameter(0.3 * torch.randn(WORDS, 32))
    model.save_pretrained(folder)
    described = json.loads((folder / "config.json").read_text("utf-8"))
    described["tie_word_embeddings"] = False  # as their files say
    del described["scale_decoder_outputs"]
    (folder / "config.json").write_text(json.dumps(described), "utf-8")
    return folder


def write_mt5(folder: Path) -> Path:
    config = transformers.MT5Config(**SIZES, vocab_size=WORDS, decoder_start_token_id=0)
    model = transformers.MT5ForConditionalGeneration(config)
    model.lm_head.weight = torch.nn.Parameter(0.3 * torch.randn(WORDS, 32))
    model.save_pretrained(folder)
    return folder


def write_gpt2(folder: Path) -> Path:
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    config = transformers.GPT2Config(
        **sizes, vocab_size=WORDS, bos_token_id=None, eos_token_id=None
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


WRITERS = {"t5": write_t5, "flan-t5": write_flan_t5, "mt5": write_mt5, "gpt2": write_gpt2}


def wrapped(folder: Path, **changes: object) -> MotionLanguageModel:
    config = MotionLanguageModelConfig(
        backbone=BackboneConfig(source=str(folder), **changes), condition_dim=16
    )
    model = MotionLanguageModel(config, make_streams()).eval()
    for stream in model.vocabulary.streams:
        model.set_codebook(stream, torch.randn(stream.codebook_size, stream.code_dim))
    return model


def plain(folder: Path) -> transformers.PreTrainedModel:
    kind = "Seq2SeqLM" if "t5" in folder.name else "CausalLM"
    loader = getattr(transformers, f"AutoModelFor{kind}")
    return loader.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(params=["t5", "flan-t5", "mt5"])
def folder(request, tmp_path) -> Path:
    torch.manual_seed(5)
    return WRITERS[request.param](tmp_path / request.param)


@pytest.mark.filterwarnings("ignore:Passing `no_repeat_ngram_size` with `inputs_embeds`")
@pytest.mark.parametrize("family", list(WRITERS))
def test_text_is_what_transformers_generates(family, tmp_path):
    torch.manual_seed(5)
    source = WRITERS[family](tmp_path / family)
    model, library = wrapped(source), plain(source)
    with torch.no_grad():
        begins = library.get_input_embeddings().weight[0]
        model.special.weight[0] = begins  # as an answer begins
        model.copying.gate.bias.fill_(-50.0)  # plain models do not copy
    prompt = make_prompt(model, payload=(6,), motion=(3,))
    rule = lambda answer, token: 0 < token < WORDS and token not in answer  # noqa: E731
    request = WritingRequest(max_tokens=12, allowed=rule)
    written = TextWriter(DecodingEngine(model, EXACT)).write(prompt, [request])[0]
    embedded, mask = embed_prompt(model, prompt)
    inputs = {"inputs_embeds": embedded.detach(), "attention_mask": mask.long()}
    if family == "gpt2":
        first = begins.detach().expand(1, 1, -1)
        inputs["inputs_embeds"] = torch.cat([inputs["inputs_embeds"], first], 1)
        inputs["attention_mask"] = torch.ones(inputs["inputs_embeds"].shape[:2]).long()
    expected = library.generate(
        **inputs,
        max_new_tokens=12,
        do_sample=False,
        no_repeat_ngram_size=1,
        suppress_tokens=[0],
        eos_token_id=None,
        pad_token_id=0,
    )
    assert written.answer == expected[0, -12:].tolist()


def test_a_folder_keeps_its_names_and_its_logits(folder):
    library, model = plain(folder), wrapped(folder)
    names = {n.removeprefix("backbone.") for n, _ in model.named_parameters() if "backbone" in n}
    assert names == {name for name, _ in library.named_parameters()}
    asked, said = torch.randint(0, WORDS, (2, 7)), torch.randint(0, WORDS, (2, 5))
    with torch.no_grad():
        read, hidden = model.respond(
            model.text_embeddings(asked),
            torch.ones(2, 7, dtype=torch.bool),
            model.text_embeddings(said),
            torch.ones(2, 5, dtype=torch.bool),
        )
        logits = model.text_logits(hidden)
        expected = library(input_ids=asked, decoder_input_ids=said).logits
    assert read is None
    torch.testing.assert_close(logits[..., :WORDS], expected, atol=1e-5, rtol=1e-5)
    # Special tokens are as likely as pieces are before anything was learned.
    assert 0.3 < logits[..., WORDS:].std() / logits[..., :WORDS].std() < 3


def test_what_is_saved_is_loaded(folder, tmp_path):
    """Heads of their own stay so, shared ones are stored once."""
    model = wrapped(folder)
    save_language_model(model, train_text_pieces(["walk"], 300), tmp_path / "saved")
    loaded = load_language_model(tmp_path / "saved").model
    stored = load_file(tmp_path / "saved/model.safetensors")
    own_head = folder.name != "t5"
    assert ("backbone.lm_head.weight" in stored) == own_head
    assert not [name for name in stored if "embed_tokens" in name]
    embedded = loaded.backbone.get_input_embeddings().weight
    assert (loaded.backbone.lm_head.weight is embedded) != own_head
    codes, mask = torch.randint(0, 12, (2, 4, 4)), torch.ones(2, 4, dtype=torch.bool)
    condition, hidden = make_condition(2), torch.randn(3, 32)
    half_precision = {"atol": 2e-2, "rtol": 1e-2}
    with torch.no_grad():
        for one, other in zip(
            loaded(codes, mask, condition).codes, model(codes, mask, condition).codes, strict=True
        ):
            torch.testing.assert_close(one, other, **half_precision)
        one, other = loaded.text_logits(hidden), model.text_logits(hidden)
    torch.testing.assert_close(one, other, **half_precision)


def test_first_layers_are_kept_on_both_sides(folder):
    backbone = wrapped(folder, num_layers=2).backbone
    assert (backbone.config.num_layers, backbone.config.num_decoder_layers) == (2, 2)
    assert len(backbone.encoder.block) == len(backbone.decoder.block) == 2
    with pytest.raises(ConfigError, match="the model has 3"):
        build_backbone(BackboneConfig(source=str(folder), num_layers=9), 10)


def test_a_family_that_is_not_understood_is_told(tmp_path):
    sizes = {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 20}
    transformers.BartConfig(**sizes).save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match=r"encoder-decoder of the family bart; .* t5 and mt5"):
        build_backbone(BackboneConfig(source=str(tmp_path)), 10)


def test_a_prompt_is_read_once_however_long_the_motion():
    torch.manual_seed(2)
    model = make_language_model(backbone=BackboneConfig(source="tiny-t5"))
    runs = []
    model.backbone.encoder.register_forward_hook(lambda *_: runs.append(1))
    config = EngineConfig(precision="float32", context_steps=8, kept_steps=4)
    engine = DecodingEngine(model, config)
    engine.generate(make_condition(1), [StepRequest(num_steps=40)], SamplingConfig())
    assert len(runs) == 1
    engine.generate(make_condition(1), [StepRequest(num_steps=3)], SamplingConfig())
    assert len(runs) == 2


def test_a_response_begun_anew_is_as_one_begun_first():
    torch.manual_seed(2)
    backbone = build_backbone(BackboneConfig(source="tiny-t5"), 40)
    prompt, mask = torch.randn(2, 6, 32), torch.rand(2, 6) > 0.3
    first, second, real = torch.randn(2, 4, 32), torch.randn(2, 3, 32), torch.ones(2, 5) > 0
    used, fresh = EncoderDecoderDecoder(backbone), EncoderDecoderDecoder(backbone)
    used.begin(prompt, mask, first, real[:, :4])
    used.feed(first[:, :1], real[:, :1])
    again = used.begin(prompt, mask, second, real[:, :3])
    expected = fresh.begin(prompt, mask, second, real[:, :3])
    torch.testing.assert_close(again, expected)
    torch.testing.assert_close(used.feed(first, real[:, :4]), fresh.feed(first, real[:, :4]))
    other = used.begin(prompt + 1, mask, second, real[:, :3])
    assert (other - expected).abs().max() > 1e-3


def test_a_response_needs_a_prompt():
    decoder = EncoderDecoderDecoder(build_backbone(BackboneConfig(source="tiny-t5"), 40))
    with pytest.raises(RequestError, match="needs a prompt"):
        decoder.feed(torch.zeros(1, 1, 32), torch.ones(1, 1, dtype=torch.bool))
