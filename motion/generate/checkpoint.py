"""Release folders: ``config.yaml`` + safetensors, readable without Lightning.

<checkpoint>/config.yaml              name, parts of the model, default sampling
<checkpoint>/tokenizer/<part>/        config.yaml, model.safetensors
<checkpoint>/language/                config.yaml, model.safetensors, tokenizer.json
<checkpoint>/alignment/               config.yaml, model.safetensors (optional)
<checkpoint>/memory/                  captions of known motions in that space (optional)
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from motion.errors import RequestError, WeightsError, reason_of
from motion.formats import atomic_path, yaml_text
from motion.language import (
    BackboneConfig,
    MotionLanguageModel,
    MotionLanguageModelConfig,
    PartHeadConfig,
    SamplingConfig,
    SignalConfig,
    Stream,
    describe_backbone,
    empty_backbone,
    merged_state,
)
from motion.optional import require
from motion.representation import FPS
from motion.tokenizer import MotionTokenizer

CHECKPOINT_VARIABLE = "MOTION_CHECKPOINT"
DEFAULT_CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "default"
CONFIG_FILE, WEIGHTS_FILE, PIECES_FILE = "config.yaml", "model.safetensors", "tokenizer.json"
TOKENIZER_FOLDER, LANGUAGE_FOLDER = "tokenizer", "language"
ALIGNMENT_FOLDER, LIBRARY_FOLDER, MEMORY_FOLDER = "alignment", "library", "memory"


@dataclass(frozen=True)
class LoadedLanguageModel:
    """A language model and the tokenizer of its text."""

    model: MotionLanguageModel
    text_pieces: Any


def save_language_model(model: MotionLanguageModel, text_pieces: Any, folder: Path) -> None:
    """Write a language model in half precision.

    Low-rank updates, if any, are merged into the weights first, so that the files are those of a
    plain model.
    """
    config = {
        "language_model": asdict(model.config),
        "streams": [asdict(stream) for stream in model.vocabulary.streams],
        "backbone": describe_backbone(model.backbone),
    }
    tied = _tied_names(model)
    state = {n: value for n, value in merged_state(model).items() if n not in tied}
    half = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in state.items()
    }
    with atomic_path(folder / PIECES_FILE) as path:
        path.write_text(text_pieces.to_str(), "utf-8")
    with atomic_path(folder / WEIGHTS_FILE) as path:
        save_file(half, path)
    with atomic_path(folder / CONFIG_FILE) as path:
        path.write_text(yaml_text(config), "utf-8")


def load_language_model(folder: Path) -> LoadedLanguageModel:
    """Read what ``save_language_model`` wrote, ready for inference.

    Raises:
        WeightsError: A file is missing, broken, or does not fit the configuration.
    """
    missing = [n for n in (CONFIG_FILE, WEIGHTS_FILE, PIECES_FILE) if not (folder / n).is_file()]
    if missing:
        raise WeightsError(
            f"expected a language model in {folder}, {missing} not found; give a folder written by "
            "'motion train language' or leave the checkpoint out to use the default"
        )
    try:
        config = yaml.safe_load((folder / CONFIG_FILE).read_text("utf-8"))
        model = _empty_model(config)
        result = model.load_state_dict(load_file(folder / WEIGHTS_FILE), strict=False)
        tied = _tied_names(model)
        lost = [n for n in result.missing_keys if not (n in tied or _is_neutral(n))]
        if lost or result.unexpected_keys:
            raise WeightsError(
                f"{folder / WEIGHTS_FILE} does not fit its config: missing {lost[:3]}, "
                f"unexpected {result.unexpected_keys[:3]}"
            )
    except (
        SafetensorError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        yaml.YAMLError,
    ) as error:
        raise WeightsError(f"no usable language model in {folder}: {reason_of(error)}") from error
    return LoadedLanguageModel(model.eval(), _text_pieces(folder / PIECES_FILE))


def _text_pieces(path: Path) -> Any:
    try:
        return require("tokenizers").Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise WeightsError(f"no usable text tokenizer in {path}: {reason_of(error)}") from error


def _empty_model(config: dict[str, Any]) -> MotionLanguageModel:
    values = dict(config["language_model"])
    language_config = MotionLanguageModelConfig(
        backbone=BackboneConfig(**values.pop("backbone")),
        head=PartHeadConfig(**values.pop("head")),
        signals={n: _signal_config(v) for n, v in values.pop("signals", {}).items()},
        **values,
    )
    streams = tuple(Stream(**stream) for stream in config["streams"])
    with torch.device("cpu"):
        backbone = empty_backbone(config["backbone"])
    return MotionLanguageModel(language_config, streams, backbone)


def _signal_config(values: dict[str, Any]) -> SignalConfig:
    columns = values.get("columns")
    return SignalConfig(**{**values, "columns": None if columns is None else tuple(columns)})


def _is_neutral(name: str) -> bool:
    """Whether weights from before sound, gaps or copying lack it, which changes nothing they do."""
    return name.startswith(("head.hear.", "signals.labels.", "goal.", "copying."))


def _tied_names(model: MotionLanguageModel) -> frozenset[str]:
    """Further names of weights that have one already: heads and embeddings that are one."""
    known: dict[int, str] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        known.setdefault(id(weight), name)
    names = (name for name, _ in model.named_parameters(remove_duplicate=False))
    return frozenset(names) - set(known.values())


def read_checkpoint_config(folder: Path) -> dict[str, Any]:
    """Read the ``config.yaml`` of a release folder.

    Raises:
        WeightsError: It is missing, broken, or for another frame rate.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise WeightsError(
            f"expected a checkpoint with {CONFIG_FILE} in {folder}, found none; give the folder of "
            f"a trained model or set {CHECKPOINT_VARIABLE}"
        )
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise WeightsError(f"cannot read {path}: {reason_of(error)}") from error
    if not isinstance(config, dict) or config.get("fps") != FPS:
        raise WeightsError(f"{path} does not describe a checkpoint for {FPS} frames per second")
    return config


def checkpoint_sampling(config: dict[str, Any], folder: Path) -> SamplingConfig:
    """The checkpoint's own way of choosing codes."""
    try:
        return SamplingConfig(**config.get("sampling", {}))
    except (TypeError, RequestError) as error:
        reason = reason_of(error)
        raise WeightsError(f"{folder / CONFIG_FILE}: 'sampling' is not usable: {reason}") from error


def check_fit(tokenizer: MotionTokenizer, language: LoadedLanguageModel, folder: Path) -> None:
    """See that the language model was trained on this tokenizer's codebooks.

    Raises:
        WeightsError: It was trained on others.
    """
    for stream in language.model.vocabulary.streams:
        if stream.part not in tokenizer.part_names:
            raise WeightsError(f"{folder}: the language model writes '{stream.part}', no tokenizer")
        book = tokenizer.code_vectors(stream.part)
        known = language.model.codebook(stream)
        fits = stream.level < len(book) and book[stream.level].shape == known.shape
        if not fits or not torch.allclose(book[stream.level], known, atol=1e-2, rtol=2e-3):
            raise WeightsError(
                f"{folder}: the language model was trained on other codebooks of '{stream.part}'; "
                "take both from one training"
            )
