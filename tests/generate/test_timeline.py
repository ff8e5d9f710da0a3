"""Timelines: what a file may say, one sentence for each mistake, and the stretches they become."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from made_sounds import write_wave

from motion.errors import FormatError, RequestError
from motion.generate.stretches import (
    FADE,
    IDLE_TEXT,
    LONGEST_STRETCH,
    base_of,
    overlays_of,
    steps_as_stretches,
)
from motion.generate.timeline import read_timeline, timeline_of
from motion.representation import PART_NAMES

RATE = 8000


def prompt(start: float, end: float, text: str = "a person walks", **rest: Any) -> dict[str, Any]:
    return {"text": text, "start": start, "end": end, **rest}


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    for name, seconds in (("song.wav", 6.0), ("talk.wav", 4.0)):
        waves = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * RATE))
        write_wave(tmp_path / name, waves.astype(np.float32)[None], RATE)
    return tmp_path


def lengths(values: dict[str, Any], folder: Path | None = None) -> list[tuple[str, int, int]]:
    return [(s.kind, s.num_frames, s.gap) for s in base_of(timeline_of(values, folder))]


def test_prompts_fill_their_times():
    found = base_of(timeline_of({"prompts": [prompt(3, 5, "b"), prompt(0, 3, "a")]}))
    assert [(s.text, s.num_frames) for s in found] == [("a", 90), ("b", 60)]


def test_a_short_gap_is_bridged_and_a_long_one_stood_through():
    short = {"prompts": [prompt(0, 2), prompt(3, 5)]}
    assert lengths(short) == [("prompt", 60, 0), ("prompt", 90, 30)]
    long = {"prompts": [prompt(0, 2), prompt(6, 8)], "seconds": 10}
    assert lengths(long) == [
        ("prompt", 60, 0),
        ("idle", 120, 0),
        ("prompt", 60, 0),
        ("idle", 60, 0),
    ]
    assert base_of(timeline_of(long))[1].text == IDLE_TEXT


def test_every_frame_is_filled_once():
    generator = np.random.default_rng(0)
    for _ in range(50):
        edges = np.sort(generator.uniform(0, 60, 12)).round(2)
        rows = [prompt(a, b) for a, b in edges.reshape(-1, 2).tolist() if b - a >= 0.5]
        if not rows:
            continue
        seconds = rows[-1]["end"] + float(generator.uniform(0, 3))
        found = base_of(timeline_of({"prompts": rows, "seconds": seconds}))
        assert sum(s.num_frames for s in found) == round(seconds * 30)
        assert all(s.num_frames - s.gap >= 15 for s in found)


def test_long_prompts_go_on_in_pieces():
    found = base_of(timeline_of({"prompts": [prompt(0, 35)]}))
    assert sum(s.num_frames for s in found) == 1050
    assert max(s.num_frames for s in found) <= LONGEST_STRETCH
    assert [s.goes_on for s in found] == [False, True, True, True]


def test_who_moves_the_arms_alone_lies_over_who_walks():
    rows = [prompt(0, 10, parts=["lower"]), prompt(3, 6, "a person waves", parts=["upper"])]
    timeline = timeline_of({"prompts": rows})
    assert [s.text for s in base_of(timeline)] == ["a person walks"]
    (overlay,) = overlays_of(timeline, PART_NAMES)
    assert (overlay.start, overlay.stop, overlay.parts) == (90, 180, ("upper",))


def test_music_is_danced_to_where_nobody_says_what_to_do(sounds: Path):
    values = {"prompts": [prompt(0, 2)], "audio": [{"music": "song.wav", "start": 1}]}
    found = base_of(timeline_of(values, sounds))
    assert [(s.kind, s.num_frames, s.music) for s in found] == [
        ("prompt", 60, 0),
        ("music", 150, 0),
    ]


def test_speech_moves_what_no_leading_prompt_has(sounds: Path):
    rows = [prompt(0, 3, parts=["lower", "upper"])]
    timeline = timeline_of({"prompts": rows, "audio": [{"speech": "talk.wav"}]}, sounds)
    (overlay,) = overlays_of(timeline, PART_NAMES)
    assert overlay.parts == ("left_hand", "right_hand", "face")
    assert (overlay.start, overlay.stop) == (0, 120)
    (overlay,) = overlays_of(timeline, ("lower", "upper", "face"))
    assert overlay.parts == ("face",)


def test_long_overlays_come_in_pieces_that_overlap():
    rows = [prompt(0, 25), prompt(0, 25, "wave", parts=["upper"])]
    found = overlays_of(timeline_of({"prompts": rows}), PART_NAMES)
    assert [(o.start, o.stop, o.fades_out) for o in found] == [
        (0, 250, False),
        (250 - FADE, 500, False),
        (500 - FADE, 750, True),
    ]


def test_a_sound_that_outlasts_the_timeline_is_cut(sounds: Path):
    timeline = timeline_of({"seconds": 3, "audio": [{"music": "song.wav"}]}, sounds)
    assert timeline.sounds[0].end == 3
    assert timeline_of({"audio": [{"music": "song.wav", "end": 2}]}, sounds).seconds == 2


def test_a_file_and_its_sounds_are_read(sounds: Path):
    path = sounds / "timeline.yaml"
    path.write_text(
        yaml.safe_dump({"prompts": [prompt(0, 2)], "audio": [{"speech": "talk.wav", "start": 1.5}]})
    )
    timeline = read_timeline(path)
    assert timeline.seconds == 5.5
    assert timeline.sounds[0].kind == "speech"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "a timeline must be a mapping with seconds, prompts, audio"),
        ({}, "the timeline says nothing"),
        ({"prompt": []}, "has no 'prompt'; it may have seconds, prompts, audio"),
        ({"prompts": "walk"}, "'prompts' must be a list of entries, got 'walk'"),
        ({"prompts": [7]}, "prompt 1 must be a mapping with text, start, end, parts, got 7"),
        ({"prompts": [{"text": "walk", "start": 0}]}, "prompt 1 needs 'end'"),
        ({"prompts": [prompt(0, 1, "  ")]}, "prompt 1 needs words in 'text'"),
        ({"prompts": [prompt(0, 1, "w" * 2000)]}, "its text has 2000 characters"),
        ({"prompts": [prompt("0", 1)]}, "'start' must be a number of seconds, got '0'"),
        ({"prompts": [prompt(float("nan"), 1)]}, "'start' must be a number of seconds, got nan"),
        ({"prompts": [prompt(0, 1), prompt(-1, 2)]}, "prompt 2 starts at -1 s, before"),
        ({"prompts": [prompt(2, 1)]}, "goes from 2 to 1 s; it must last at least 0.5 s"),
        ({"prompts": [prompt(2, 2.2)]}, "it must last at least 0.5 s"),
        ({"prompts": [prompt(0, 9)], "seconds": 5}, "prompt 1 ends at 9 s, after the timeline's 5"),
        ({"prompts": [prompt(0, 4000)]}, "seconds must lie between 0.5 and 3600, got 4000"),
        ({"prompts": [prompt(0, 1, speed=2)]}, "prompt 1 has no 'speed'"),
        ({"prompts": [prompt(0, 1, parts=["tail"])]}, "unknown part 'tail'; a body has lower"),
        ({"prompts": [prompt(0, 1, parts=[])]}, "'parts' must be a list of names"),
        ({"prompts": [prompt(0, 1, parts=["upper", "upper"])]}, "the part 'upper' twice"),
        (
            {"prompts": [prompt(0, 4), prompt(3, 6)]},
            "prompt 1 and prompt 2 both move the legs from 3 to 4 s",
        ),
        (
            {"prompts": [prompt(0, 4, parts=["upper"]), prompt(1, 3, parts=["upper"])]},
            "both move upper from 1 to 3 s; shorten one of them",
        ),
        ({"audio": [{"start": 1}]}, "audio track 1 needs either 'music' or 'speech' with a file"),
        ({"audio": [{"music": 3}]}, "audio track 1 needs a file in 'music', got 3"),
        ({"audio": [{"music": "a", "speech": "b"}]}, "either 'music' or 'speech'"),
        ({"audio": [{"song": "a"}]}, "audio track 1 has no 'song'"),
    ],
)
def test_mistakes_are_one_sentence(values: Any, said: str):
    with pytest.raises(RequestError) as error:
        timeline_of(values)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_two_speakers_at_once_and_speaking_legs(sounds: Path):
    track = {"speech": "talk.wav"}
    with pytest.raises(RequestError, match="audio track 1 and audio track 2 both move the face"):
        timeline_of({"audio": [track, {**track, "start": 2}]}, sounds)
    with pytest.raises(RequestError, match="speech does not move the legs"):
        timeline_of({"audio": [{**track, "parts": ["lower"]}]}, sounds)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(RequestError, match="there is no timeline"):
        read_timeline(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("prompts: [")
    with pytest.raises(RequestError, match="no YAML that can be read"):
        read_timeline(bad)
    bad.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RequestError, match="no YAML that can be read"):
        read_timeline(bad)
    bad.write_text("[" * 100_000)
    with pytest.raises(RequestError, match="no YAML that can be read"):
        read_timeline(bad)
    bad.write_text("prompts: [{text: walk, start: 0}]")
    with pytest.raises(RequestError, match=r"bad\.yaml: prompt 1 needs 'end'"):
        read_timeline(bad)
    bad.write_text("audio: [{music: nothing.wav}]")
    with pytest.raises(FormatError, match=r"nothing\.wav"):
        read_timeline(bad)


def test_steps_get_their_lengths():
    found = steps_as_stretches(["walk forward for 25 seconds", "qwertz", "jump"])
    assert [s.num_frames for s in found] == [250, 250, 250, None, 60]
    assert sum(s.num_frames for s in steps_as_stretches(["walk", "jump"], 333)) == 333
