"""Words and their times from speech, by Whisper's own decoder, for sound without a transcript.

Only spans with a voice are decoded, each at most once more when the words repeat themselves, and
with a number of tokens bounded by its length: nothing can hang. Axis letter: ``F`` voice frames.
"""

import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor

from motion.conditioners.half_linear import pack_linears
from motion.conditioners.silero import FRAME_SAMPLES, SAMPLE_RATE, VoiceActivity
from motion.conditioners.sources import WeightSource
from motion.conditioners.whisper_weights import WHISPER_BASE
from motion.conditioners.word_times import SECONDS_PER_FRAME, token_starts
from motion.errors import RequestError, WeightsError, reason_of
from motion.formats import SoundReader, Transcript, Word
from motion.optional import cache_name, require

LONGEST_SECONDS = 3600
"""Longer sound is refused: samples of all of it are held in memory."""
_LOG = logging.getLogger(__name__)

_FRAMES_PER_SECOND = SAMPLE_RATE / FRAME_SAMPLES
_VOICED = 0.5
_LONGEST_SPAN, _SHORTEST_SPAN = 28.0, 0.25
"""Seconds; Whisper hears 30."""
_PAUSE, _MARGIN = 2.0, 0.2
"""Seconds of silence that end a span, and that a span holds before and after the voice."""
_CUT_RANGE = 8.0
"""A span that is too long is cut where the voice is least sure within its last seconds."""
_TOKENS_PER_SECOND, _MOST_TOKENS = 8, 220
_REPETITIVE = 2.4
"""Text that zlib shrinks by more than this repeats itself (openai/whisper, ``transcribe.py``)."""
_NGRAM = 4
"""Tokens in a row that may not come twice when a span is decoded once more."""
_SHORTEST_WORD = 0.04
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages written without spaces: there every token starts a word."""


@dataclass(frozen=True, kw_only=True)
class Transcriber:
    """Whisper with its decoder; build it with ``load``."""

    model: Any
    tokenizer: Any
    features: Any
    voice_activity: VoiceActivity

    @classmethod
    def load(cls, source: str | Path | None = None, *, progress: bool = True) -> Self:
        """Load Whisper.

        Args:
            source: A transformers Whisper folder, a hub id, or None for the packaged Whisper base.
            progress: Whether a first download shows a bar.

        Raises:
            WeightsError: The weights cannot be had, or are not those of a Whisper model.
        """
        transformers = require("transformers")
        folder = WeightSource(default=WHISPER_BASE, progress=progress).resolve(source)
        try:
            model = transformers.WhisperForConditionalGeneration.from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager"
            )  # eager: word times are read from the attention weights
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            features = transformers.AutoFeatureExtractor.from_pretrained(folder)
        except (OSError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"transformers cannot load a Whisper model from {folder}: {reason_of(error)}"
            ) from error
        return cls(
            model=_packed(model.requires_grad_(False).eval()),
            tokenizer=tokenizer,
            features=features,
            voice_activity=VoiceActivity.load(progress=progress),
        )

    @torch.no_grad()
    def transcribe(self, sound: SoundReader, language: str | None = None) -> Transcript | None:
        """Write down what is said; None where nobody speaks.

        Args:
            sound: Speech of one speaker.
            language: Code (``en``, ``de``, ...); None: heard from the first span.

        Raises:
            RequestError: The sound is too long, or the language unknown to the model.
        """
        if sound.duration > LONGEST_SECONDS:
            raise RequestError(
                f"{sound.name} has {float(sound.duration):.0f} s, but at most {LONGEST_SECONDS} s "
                "are transcribed at once: cut it, or give its transcript"
            )
        self._check_language(language)
        samples = sound.samples(SAMPLE_RATE)
        if len(samples) < FRAME_SAMPLES:
            return None
        voice = self.voice_activity(samples)
        words: list[Word] = []
        for start, end in voiced_spans(voice):
            piece = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            states = self._states(piece)
            language = language or self._language(states)
            words += timed_words(self._decode(states, end - start, language), voice, start, end)
        words = _without_overlap(words, float(sound.duration))
        if not words:
            return None
        name = f"the transcript made from {sound.name}"
        return Transcript(words=tuple(words), name=name, language=language)

    def _check_language(self, language: str | None) -> None:
        known = {name.strip("<|>") for name in self.model.generation_config.lang_to_id}
        if language is not None and language not in known:
            raise RequestError(
                f"the language {language!r} is none that this model knows; give a code such as "
                f"{sorted(known)[:5]}, or none"
            )

    def _states(self, samples: Float[Tensor, " S"]) -> Any:
        """Run the encoder; a span is filled up to Whisper's 30 s."""
        found = self.features(samples.numpy(), sampling_rate=SAMPLE_RATE, return_tensors="pt")
        return self.model.get_encoder()(found.input_features)

    def _language(self, states: Any) -> str:
        config = self.model.generation_config
        start = torch.tensor([[config.decoder_start_token_id]])
        logits = self.model(encoder_outputs=states, decoder_input_ids=start).logits[0, -1]
        names = list(config.lang_to_id)
        chosen = int(logits[[config.lang_to_id[name] for name in names]].argmax())
        return str(names[chosen]).strip("<|>")

    def _decode(self, states: Any, seconds: float, language: str) -> list["_Piece"]:
        """Decode greedily; if that repeats itself, once more with repetitions forbidden."""
        limit = min(10 + int(_TOKENS_PER_SECOND * seconds), _MOST_TOKENS)
        for ngram in (None, _NGRAM):
            ids = self._greedy(states, self._prompt(language), limit, ngram)
            if not _repeats(self.tokenizer.decode(ids)):
                return self._timed_pieces(ids, states, seconds, language)
        _LOG.warning("a span of %.1f s gave only repetitions", seconds)
        return []

    def _prompt(self, language: str) -> list[int]:
        config = self.model.generation_config
        named = (config.lang_to_id[f"<|{language}|>"], config.task_to_id["transcribe"])
        return [config.decoder_start_token_id, *named, config.no_timestamps_token_id]

    def _greedy(self, states: Any, prompt: list[int], limit: int, ngram: int | None) -> list[int]:
        """Likeliest token after token, at most ``limit``; ``ngram``: none of that length twice."""
        config = self.model.generation_config
        ids: list[int] = []
        new, cache, name = torch.tensor([prompt]), None, cache_name(self.model.forward)
        for _ in range(limit):
            out = self.model(
                encoder_outputs=states, decoder_input_ids=new, use_cache=True, **{name: cache}
            )
            logits, cache = out.logits[0, -1], out[name]
            logits[config.eos_token_id + 1 :] = -torch.inf  # marks, languages, times
            logits[config.suppress_tokens] = -torch.inf
            if not ids:
                logits[config.begin_suppress_tokens] = -torch.inf
            if ngram is not None:
                logits[_would_repeat(ids, ngram)] = -torch.inf
            token = int(logits.argmax())
            if token == config.eos_token_id:
                break
            ids.append(token)
            new = torch.tensor([[token]])
        return ids

    def _timed_pieces(
        self, ids: list[int], states: Any, seconds: float, language: str
    ) -> list["_Piece"]:
        """Join tokens to words with their times."""
        if not ids:
            return []
        prompt = self._prompt(language)
        tokens = torch.tensor([[*prompt, *ids]])
        looked = self.model(
            encoder_outputs=states, decoder_input_ids=tokens, output_attentions=True
        ).cross_attentions
        heads = [looked[a][0, b] for a, b in self.model.generation_config.alignment_heads]
        num_frames = max(int(seconds / SECONDS_PER_FRAME), 1)
        starts = token_starts(torch.stack(heads)[:, len(prompt) - 1 :, :num_frames])
        timed = list(zip(ids, starts[:-1], strict=True))
        return self._join_tokens(timed, starts[-1], spaced=language not in _UNSPACED)

    def _join_tokens(
        self, timed: Sequence[tuple[int, float]], end: float, *, spaced: bool
    ) -> list["_Piece"]:
        """Join tokens to words; punctuation joins the word before it and marks its end."""
        pieces: list[_Piece] = []
        held: list[int] = []
        held_start = 0.0
        for token, start in timed:
            held_start = held_start if held else start
            held.append(token)
            text = self.tokenizer.decode(held)
            if "\ufffd" in text or not text.strip():  # part of a character, or of the next word
                continue
            held = []
            spoken = any(character.isalnum() for character in text)
            if pieces and (not spoken or (spaced and not text.startswith(" "))):
                pieces[-1] = pieces[-1].longer(text, held_start, spoken)
            elif spoken:
                pieces.append(_Piece(text=text, start=held_start, end=None))
        if not pieces:
            return []
        starts = [*(piece.start for piece in pieces[1:]), end]
        return [piece.closed(after) for piece, after in zip(pieces, starts, strict=True)]


def _packed(model: Any) -> Any:
    """Pack the linear layers as fp16, as which they are stored: less than half the CPU time."""
    pack_linears(model)
    return model


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A word with its times within a span, in seconds."""

    text: str
    start: float
    end: float | None
    """None until something follows."""

    def longer(self, text: str, start: float, spoken: bool) -> "_Piece":
        end = None if spoken else (start if self.end is None else self.end)
        return _Piece(text=self.text + text, start=self.start, end=end)

    def closed(self, after: float) -> "_Piece":
        end = after if self.end is None else min(self.end, after)
        return _Piece(text=self.text.strip(), start=self.start, end=end)


def _would_repeat(ids: Sequence[int], ngram: int) -> list[int]:
    """Tokens that would end a run of ``ngram`` tokens that was there before."""
    last = tuple(ids[len(ids) - ngram + 1 :]) if len(ids) >= ngram else None
    starts = range(len(ids) - ngram + 1)
    return [ids[i + ngram - 1] for i in starts if tuple(ids[i : i + ngram - 1]) == last]


def _repeats(text: str) -> bool:
    data = text.encode("utf-8")
    return len(data) > _REPETITIVE * len(zlib.compress(data))


def voiced_spans(voice: Float[Tensor, " F"]) -> list[tuple[float, float]]:
    """Spans (start and end in seconds) that hold voice and are short enough for Whisper."""
    frames = (voice > _VOICED).nonzero()[:, 0].tolist()
    limit, pause = _LONGEST_SPAN * _FRAMES_PER_SECOND, _PAUSE * _FRAMES_PER_SECOND
    spans: list[list[int]] = []
    for frame in frames:
        if spans and frame - spans[-1][1] <= pause:
            spans[-1][1] = frame + 1
        else:
            spans.append([frame, frame + 1])
    short: list[tuple[int, int]] = []
    for start, end in spans:
        while end - start > limit:
            first = start + round(limit - _CUT_RANGE * _FRAMES_PER_SECOND)
            cut = first + int(voice[first : start + int(limit)].argmin())
            short.append((start, cut))
            start = cut
        short.append((start, end))
    return [_with_margin(span, short, len(voice)) for span in short if _long_enough(span)]


def _long_enough(span: tuple[int, int]) -> bool:
    return span[1] - span[0] >= _SHORTEST_SPAN * _FRAMES_PER_SECOND


def _with_margin(
    span: tuple[int, int], spans: Sequence[tuple[int, int]], num_frames: int
) -> tuple[float, float]:
    """Add silence around a span, but nothing of its neighbours."""
    margin = round(_MARGIN * _FRAMES_PER_SECOND)
    earlier = max((end for _, end in spans if end <= span[0]), default=0)
    later = min((start for start, _ in spans if start >= span[1]), default=num_frames)
    start, end = max(span[0] - margin, earlier), min(span[1] + margin, later)
    return start / _FRAMES_PER_SECOND, end / _FRAMES_PER_SECOND


def timed_words(
    pieces: Sequence[_Piece], voice: Float[Tensor, " F"], start: float, end: float
) -> list[Word]:
    """Put words on the time of the sound, without the silence at their edges."""
    words = []
    for piece in pieces:
        assert piece.end is not None
        first, last = (min(start + time, end) for time in (piece.start, piece.end))
        frames = range(int(first * _FRAMES_PER_SECOND), int(last * _FRAMES_PER_SECOND) + 1)
        voiced = [f for f in frames if f < len(voice) and float(voice[f]) > _VOICED]
        if voiced:
            first = max(first, voiced[0] / _FRAMES_PER_SECOND)
            last = min(last, (voiced[-1] + 1) / _FRAMES_PER_SECOND)
        words.append(Word(start_seconds=first, end_seconds=last, text=piece.text))
    return words


def _without_overlap(words: Sequence[Word], duration: float) -> list[Word]:
    """Give every word a length, within the sound and after the word before it."""
    out: list[Word] = []
    place = 0.0
    for word in words:
        start = round(max(word.start_seconds, place), 3)
        end = round(min(max(word.end_seconds, start + _SHORTEST_WORD), duration), 3)
        if end > start:
            out.append(Word(start_seconds=start, end_seconds=end, text=word.text))
            place = end
    return out


def transcribe(sound: SoundReader, language: str | None = None) -> Transcript | None:
    """Write down what is said with the packaged Whisper base; None where nobody speaks."""
    return Transcriber.load().transcribe(sound, language)
