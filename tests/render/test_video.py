from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from motion.errors import ConfigError, OutputError, RequestError
from motion.render import VideoConfig, write_mp4
from motion.render.video import rate_of
from motion.representation import Motion

av = pytest.importorskip("av")
TINY = VideoConfig(width=97, height=65)


def read(path):
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        stream = container.streams.video[0]
        return frames, stream.average_rate, stream.duration * stream.time_base


@pytest.mark.parametrize("fps", [30.0, 30000 / 1001])
def test_film_has_every_frame_at_its_rate(fps, gl, body, walk, target):
    path = target / "walk.mp4"
    seen = []
    motion = replace(walk.frames(0, 5), fps=fps)
    write_mp4(motion, path, body, TINY, progress=lambda done, total: seen.append((done, total)))
    frames, rate, seconds = read(path)
    assert [f.shape for f in frames] == [(66, 98, 3)] * 5  # odd sizes are rounded up
    assert rate == rate_of(fps)
    assert seconds == pytest.approx(5 / fps, abs=1e-6)
    assert seen == [(i, 5) for i in range(1, 6)]
    assert np.abs(frames[0].astype(int) - frames[-1].astype(int)).max() > 20  # the person moves
    sky = frames[0][4, 49].astype(int)
    assert sky[2] >= sky[0] > 180  # colours survive the way to YUV and back
    assert [p.name for p in target.iterdir()] == ["walk.mp4"]


@pytest.mark.parametrize(("rate", "shape"), [(16000, (3000,)), (44100, (2, 44100))])
def test_sound_lasts_as_long_as_the_film(rate, shape, gl, body, walk, target):
    wave = torch.sin(torch.arange(shape[-1]) * 2 * torch.pi * 440 / rate).expand(shape) * 0.5
    path = target / "sound.mp4"
    write_mp4(walk.frames(0, 6), path, body, TINY, audio=wave, audio_sample_rate=rate)
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        assert float(sound.duration * sound.time_base) == pytest.approx(0.2, abs=0.002)
        heard = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    kept = min(shape[-1] / rate, 0.2)
    quiet = heard[:, round((kept + 0.03) * 48000) : round(0.2 * 48000)]
    assert np.abs(heard[:, 2400:4800]).max() == pytest.approx(0.5, abs=0.1)
    crossings = np.count_nonzero(np.diff(np.signbit(heard[0, 2400:7200])))
    assert crossings == pytest.approx(88, abs=2)  # 440 Hz for 0.1 s
    if quiet.size:
        assert np.abs(quiet).max() < 0.01


def test_broken_requests_leave_nothing(gl, body, walk, target):
    path = target / "no.mp4"
    with pytest.raises(RequestError, match="without frames"):
        write_mp4(walk.frames(0, 0), path, body, TINY)
    with pytest.raises(RequestError, match="samples per second"):
        write_mp4(walk, path, body, TINY, audio=torch.zeros(100))
    with pytest.raises(RequestError, match="channels"):
        write_mp4(walk, path, body, TINY, audio=torch.zeros(3, 9), audio_sample_rate=8000)
    broken = walk.transl.clone()
    broken[2] = float("nan")
    with pytest.raises(RequestError, match=r"1 of .* first frame 2"):
        write_mp4(replace(walk, transl=broken), path, body, TINY)
    with pytest.raises(OutputError):
        write_mp4(walk.frames(0, 1), "/proc/none/no.mp4", body, TINY)
    assert not target.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 8),
        ("height", 10000),
        ("crf", 60),
        ("preset", "slothful"),
        ("field_of_view_degrees", 1.0),
    ],
)
def test_config_is_checked(field, value):
    with pytest.raises(ConfigError, match=field):
        VideoConfig(**{field: value})


def test_rates_are_exact():
    assert rate_of(30.0) == 30
    assert rate_of(59.94005994) == Fraction(60000, 1001)
    assert rate_of(12.5) == Fraction(25, 2)


def test_motion_with_another_origin_stands_on_the_floor(gl, body):
    from motion.render.staging import PictureConfig, plan_shot

    rest = Motion.from_full_pose(torch.zeros(1, 165), torch.zeros(1, 3))
    shot = plan_shot(rest, body, PictureConfig())
    lowest = float(body.vertices(rest)[..., 1].min())
    assert shot.floor_height == pytest.approx(lowest, abs=0.01)
    lifted = replace(rest, transl=torch.tensor([[0.0, 1.30, 0.0]]))
    assert plan_shot(lifted, body, PictureConfig()).floor_height == 0.0
