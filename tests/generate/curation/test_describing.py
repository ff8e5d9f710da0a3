"""Asking a describer: bounded, checked, with something to fall back on; and our own model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from made_curation import RuleDescriber

from motion.errors import RequestError
from motion.generate.caption_records import CaptionSegment, MotionCaption, ScoredText
from motion.generate.curation import AskConfig, Clip, ModelDescriber, Said
from motion.generate.curation.describing import describe, tell_scenes
from motion.representation import Motion
from motion.tasks.answering import Answer, Question


@pytest.fixture(scope="module")
def clip(walk_motion: Motion) -> Clip:
    return Clip(video=Path("a.mp4"), start_seconds=0.0, end_seconds=2.0, motion=walk_motion)


class Moody(RuleDescriber):
    """Says something useless a few times first."""

    def __init__(self, useless: int, bad_steps: bool = False) -> None:
        super().__init__()
        self.useless, self.bad_steps = useless, bad_steps

    def detail(self, clip: Clip, attempt: int) -> Said:
        said = super().detail(clip, attempt)
        return Said(text="sorry?") if attempt < self.useless else said

    def steps(self, clip: Clip, detail: str, attempt: int) -> tuple[str, ...]:
        return () if self.bad_steps else super().steps(clip, detail, attempt)

    def summary(self, steps: Sequence[str], attempt: int) -> str:
        return "" if self.bad_steps else super().summary(steps, attempt)

    def scene(self, steps: Sequence[str], attempt: int) -> str:
        return "where?" if self.bad_steps else super().scene(steps, attempt)


def test_a_sound_answer_is_taken(clip: Clip) -> None:
    found = describe(RuleDescriber(), clip, AskConfig(summaries=2)).captions
    assert len(found) == 1
    assert found[0].detail == "a person walks forward, then stops"
    assert found[0].steps == ("walk forward", "stop")
    assert found[0].summaries == ("take a walk 0", "take a walk 1")
    assert found[0].confidence == 0.5


def test_it_is_asked_again_but_not_for_ever(clip: Clip) -> None:
    patient = Moody(2)
    assert describe(patient, clip, AskConfig(attempts=3)).captions
    assert patient.asked == 3
    never = Moody(1000)
    found = describe(never, clip, AskConfig(attempts=3))
    assert found.captions == ()
    assert "asks a question" in found.problem
    assert never.asked == 3


def test_there_is_something_to_fall_back_on(clip: Clip) -> None:
    found = describe(Moody(0, bad_steps=True), clip, AskConfig()).captions[0]
    assert found.steps == ("walk forward", "stop")  # of the description itself
    assert found.summaries == ("a person walks forward, then stops",)
    assert tell_scenes(Moody(0, bad_steps=True), [("walk",)], AskConfig()) == ()


def test_a_second_description_must_be_another(clip: Clip) -> None:
    describer = RuleDescriber()
    found = describe(describer, clip, AskConfig(attempts=3, captions=2)).captions
    assert len(found) == 1
    assert describer.asked == 4


def test_scenes_are_told_of_actions_all_over_the_film() -> None:
    shown: list[tuple[str, ...]] = []

    class Listening(RuleDescriber):
        def scene(self, steps: Sequence[str], attempt: int) -> str:
            shown.append(tuple(steps))
            return super().scene(steps, attempt)

    steps = [(f"walk {k}", f"stop {k}") for k in range(10)]
    found = tell_scenes(Listening(), steps, AskConfig(scenes=2))
    assert found == ("an empty room 0", "an empty room 1")
    assert shown[0] == ("walk 0", "stop 2", "walk 5", "walk 7", "stop 9")


@pytest.mark.parametrize("name", ["attempts", "captions", "summaries", "scenes"])
def test_limits_are_checked(name: str) -> None:
    with pytest.raises(RequestError, match=f"{name} must be 1 to 16"):
        AskConfig(**{name: 0})


@dataclass
class Narrating:
    """A generator that says what it was asked."""

    folder: Path | None = None
    asked: list[Question] = field(default_factory=list)
    captions: list[float | None] = field(default_factory=list)

    @property
    def answerer(self) -> "Narrating":
        return self

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked += questions
        return [Answer(text=" tidy up", finished=True) for _ in questions]

    def caption(
        self,
        motion: Motion,
        *,
        seed: int = 0,
        candidates: int | None = None,
        segment_seconds: float | None = None,
    ) -> MotionCaption:
        self.captions.append(segment_seconds)
        count = 1 if segment_seconds is None else 3
        texts = ["a person walks", "a person walks", "a person waves"][:count]
        segments = tuple(
            CaptionSegment(
                start_seconds=float(k),
                end_seconds=k + 1.0,
                text=text,
                score=0.0,
                candidates=(
                    ScoredText(
                        text=text,
                        origin="model",
                        log_likelihood=-0.5,
                        similarity=None,
                        agreement=0.0,
                    ),
                ),
            )
            for k, text in enumerate(texts)
        )
        return MotionCaption(text=texts[0], score=0.0, segments=segments, seed=seed)


def test_our_model_captions_pieces_and_asks_the_language_model(walk_motion: Motion) -> None:
    narrator = Narrating()
    describer = ModelDescriber(narrator)
    short = Clip(video=Path("a.mp4"), start_seconds=0, end_seconds=2, motion=walk_motion)
    said = describer.detail(short, 0)
    assert said.text == "a person walks"
    assert said.confidence == pytest.approx(0.6065, abs=1e-3)
    assert describer.steps(short, said.text, 0) == ("walk",)
    pose = walk_motion.full_pose.repeat(5, 1)
    long = Motion.from_full_pose(pose, walk_motion.transl.repeat(5, 1))  # 10 s
    clip = Clip(video=Path("a.mp4"), start_seconds=0, end_seconds=10, motion=long)
    assert describer.steps(clip, said.text, 0) == ("walk", "wave")
    assert narrator.captions == [None, 4.0]
    assert describer.summary(("walk", "wave"), 0) == "tidy up"
    assert describer.scene(("walk", "wave"), 1) == "tidy up"
    first, second = narrator.asked
    assert first.prompt.task == "summarize_steps"
    assert "1. walk 2. wave" in first.prompt.payload
    assert (first.temperature, second.prompt.task) == (0.0, "estimate_scene")
    assert second.temperature > 0
    assert second.seed != first.seed


def test_the_describers_name_tells_its_weights_and_seed(tmp_path: Path) -> None:
    assert ModelDescriber(Narrating(), seed=3).name == "model unsaved seed 3"
    language = tmp_path / "mine" / "language"
    language.mkdir(parents=True)
    names = []
    for content in ("{}", "[]"):
        (language / "tokenizer.json").write_text(content, "utf-8")
        names.append(ModelDescriber(Narrating(folder=tmp_path / "mine")).name)
    assert names[0] != names[1]
    assert names[0].startswith("mine ")
