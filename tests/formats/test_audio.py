import wave
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FormatError
from motion.formats.audio import read_sound


def write_wave(path: Path, samples: np.ndarray, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.T * 32767).round().astype("<i2").tobytes())


@pytest.mark.parametrize(("channels", "rate"), [(1, 16000), (2, 44100)])
def test_wave_comes_back(tmp_path: Path, channels: int, rate: int):
    samples = np.random.default_rng(0).uniform(-1, 1, (channels, rate // 10))
    write_wave(tmp_path / "noise.wav", samples, rate)
    sound = read_sound(tmp_path / "noise.wav")
    assert sound.sample_rate == rate
    np.testing.assert_allclose(sound.waves, samples, atol=1e-4)


def test_errors_name_the_file(tmp_path: Path):
    with pytest.raises(FormatError, match="there is no sound file"):
        read_sound(tmp_path / "none.wav")
    (tmp_path / "text.wav").write_text("no sound at all")
    with pytest.raises(FormatError, match=r"text\.wav cannot be read"):
        read_sound(tmp_path / "text.wav")
