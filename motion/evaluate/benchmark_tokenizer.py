"""Speed and accuracy of a checkpoint's tokenizer."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from motion.data import PreparedCorpus
from motion.errors import DataError
from motion.evaluate.reconstruction import BODY_PARTS, evaluate_reconstruction
from motion.representation import Motion
from motion.tokenizer import MotionTokenizer

CORPUS_FILE = "corpus.json"
TEST_SPLIT = "test"
SAMPLE_CLIPS = "sample clips"
SAMPLE_SPLIT = "all (packaged with the checkpoint; the model was trained on most of them)"


@dataclass(frozen=True, kw_only=True)
class TokenizerSpeed:
    """Frames per CPU second, features to codes and back, medians."""

    batch_size: int
    batch_frames: int
    repeats: int
    parts: tuple[str, ...]
    encode_frames_per_cpu_second: float
    decode_frames_per_cpu_second: float


@torch.no_grad()
def measure_tokenizer_speed(
    tokenizer: MotionTokenizer, *, batch_size: int, batch_frames: int, repeats: int
) -> TokenizerSpeed:
    """Time encoding and decoding of a batch; a frame counts once, whatever its number of parts.

    Args:
        tokenizer: All parts it has are run.
        batch_size: Clips.
        batch_frames: Frames of each clip.
        repeats: Timed runs, after one that is not timed.
    """
    features = {
        name: _plausible(tokenizer, name, batch_size, batch_frames) for name in tokenizer.part_names
    }
    codes: dict[str, Tensor] = {}

    def encode() -> None:
        for name, values in features.items():
            codes[name] = tokenizer.part(name).encode(values)

    def decode() -> None:
        for name, rows in codes.items():
            tokenizer.part(name).decode(rows)

    frames = batch_size * batch_frames
    encoded, decoded = (_median_cpu_seconds(work, repeats) for work in (encode, decode))
    return TokenizerSpeed(
        batch_size=batch_size,
        batch_frames=batch_frames,
        repeats=repeats,
        parts=tokenizer.part_names,
        encode_frames_per_cpu_second=frames / encoded,
        decode_frames_per_cpu_second=frames / decoded,
    )


def measure_reconstruction(
    tokenizer: MotionTokenizer, data: Path | None, samples: Path | None
) -> dict[str, dict[str, Any]]:
    """Reconstruction errors by corpus, as plain values.

    Args:
        tokenizer: Trained.
        data: A prepared corpus or a folder of them, of which the test clips are taken; None takes
            the packaged sample clips, which are not held out, and says so.
        samples: Folder of the packaged sample clips; None where there are none.

    Raises:
        DataError: ``data`` holds no prepared corpus, or one without test clips.
    """
    if data is not None:
        return {
            corpus.name: _report(
                tokenizer, corpus, corpus.name, TEST_SPLIT, corpus.select(TEST_SPLIT)
            )
            for corpus in open_corpora(data)
        }
    if samples is None or not (samples / CORPUS_FILE).is_file():
        return {}
    corpus = PreparedCorpus.load(samples)
    found = _report(tokenizer, corpus, SAMPLE_CLIPS, SAMPLE_SPLIT, range(len(corpus)))
    return {SAMPLE_CLIPS: found}


def open_corpora(folder: Path) -> list[PreparedCorpus]:
    """Open a prepared corpus, or all prepared corpora in a folder.

    Raises:
        DataError: There is none.
    """
    places = [folder] if (folder / CORPUS_FILE).is_file() else sorted(folder.glob("*"))
    found = [PreparedCorpus.load(p) for p in places if (p / CORPUS_FILE).is_file()]
    if not found:
        raise DataError(
            f"expected prepared corpora in {folder}, found none; make them with 'motion prepare'"
        )
    return found


def _report(
    tokenizer: MotionTokenizer,
    corpus: PreparedCorpus,
    data_set: str,
    split: str,
    indices: Iterable[int],
) -> dict[str, Any]:
    def motions() -> Iterator[Motion]:
        for index in indices:
            if set(corpus.clips[index].parts) >= BODY_PARTS:
                yield corpus.motion(index)

    report = evaluate_reconstruction(tokenizer, motions(), data_set=data_set, split=split)
    return {**asdict(report), "licence": corpus.info["licence"]}


def _plausible(tokenizer: MotionTokenizer, name: str, batch: int, frames: int) -> Tensor:
    """Features with the statistics of the training data; what they show has no bearing on speed."""
    part = tokenizer.part(name)
    noise = torch.randn(batch, frames, len(part.mean), generator=torch.Generator().manual_seed(0))
    return part.mean + part.std * noise


def _median_cpu_seconds(work: Callable[[], None], repeats: int) -> float:
    work()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return median(spent)
