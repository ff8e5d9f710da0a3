"""Identities that every metric must keep, run on made input before a report is written.

They take about a second and need no files, so a report can say of the very installation that made
it: FID of a set to itself 0, retrieval of shuffled pairs 1/32, errors of the truth 0, and so on.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from motion.evaluate import dance_metrics, gesture_metrics, trajectory_metrics
from motion.evaluate.action_words import content_of, is_right
from motion.evaluate.beat_metrics import AIST_BEATS, BAILANDO_BEATS, beat_score
from motion.evaluate.check_grammar import Expectation, Prompt, PromptSuite
from motion.evaluate.codebook_metrics import codebook_use
from motion.evaluate.distribution_metrics import (
    DIVERSITY_PAIRS,
    TOP,
    diversity,
    frechet_distance,
    matched_cosines,
    mm_distance,
    multimodality,
    r_precision,
)
from motion.evaluate.foot_metrics import foot_metrics
from motion.evaluate.inbetween_suite import HeldOutGap, gap_fid, score
from motion.evaluate.plan_scores import SHARES, score_plan
from motion.evaluate.prompts import run_prompt_suite
from motion.evaluate.reconstruction import drift
from motion.evaluate.speech_metrics import correlation, mouth_scores
from motion.evaluate.text_metrics import best_cosine, greedy_match, text_scores
from motion.generate.plan_requests import Plan
from motion.representation import NUM_BODY_JOINTS, SOLE_HEIGHT, Motion, rest_positions
from motion.tasks.planning.days import make_examples
from motion.tasks.planning.parsing import parse_steps
from motion.tasks.wants import TASK_OF

_FPS = 30.0
_PAIRS = 3200
_EXACT = 1e-6
_CAPTIONS = ("a person walks forward", "someone jumps up and down twice", "the man raises one arm")


@dataclass(frozen=True, kw_only=True)
class SelfCheck:
    """One identity and whether it held."""

    metric: str
    identity: str
    found: float
    expected: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the metric kept the identity; NaN never does."""
        return abs(self.found - self.expected) <= self.tolerance


def run_self_checks() -> tuple[SelfCheck, ...]:
    """Check every metric of ``METRICS`` at least once."""
    rooms: tuple[Callable[[], Iterator[SelfCheck]], ...] = (
        _distributions,
        _trajectories,
        _feet,
        _prompts,
        _dances,
        _gestures,
        _texts,
        _codebooks,
        _tasks,
    )
    return tuple(check for room in rooms for check in room())


def failed_checks() -> tuple[SelfCheck, ...]:
    """Identities that do not hold here; a report must not be written then."""
    return tuple(check for check in run_self_checks() if not check.passed)


def _check(
    metric: str, identity: str, found: float, expected: float, tolerance: float = _EXACT
) -> SelfCheck:
    return SelfCheck(
        metric=metric, identity=identity, found=found, expected=expected, tolerance=tolerance
    )


def _rows(count: int, dim: int, seed: int) -> Float[Tensor, "N D"]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dim, generator=generator, dtype=torch.float64)


def _chance() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _distributions() -> Iterator[SelfCheck]:
    rows, other = _rows(_PAIRS, 16, 0), _rows(_PAIRS, 16, 1)
    yield _check("FID", "a set to itself", frechet_distance(rows, rows).value, 0)
    yield _check("FID", "moved by 1 in 16", frechet_distance(rows + 1, rows).value, 16)
    matched, shuffled = (r_precision(rows, given, _chance()).top for given in (rows, other))
    for k, right, random in zip(TOP, matched, shuffled, strict=True):
        share = k / 32
        four_deviations = 4 * math.sqrt(share * (1 - share) / _PAIRS)
        yield _check(f"R@{k}", "pairs that are equal", right, 1)
        yield _check(f"R@{k}", f"shuffled pairs: {k}/32", random, share, four_deviations)
    yield _check("MM-distance", "pairs that are equal", mm_distance(rows, rows), 0)
    cosine = matched_cosines(rows, -2 * rows)
    yield _check("Text-motion cosine", "opposite directions", float(cosine.mean()), -1)
    same = torch.ones(DIVERSITY_PAIRS, 4)
    yield _check("Diversity", "one point", diversity(same, _chance()), 0)
    spread = diversity(_rows(_PAIRS, 50, 2), _chance())
    yield _check("Diversity", "unit Gaussian in 50: about 10", spread, 10, 0.3)
    each = rows[:20, None].expand(20, 30, 16)
    yield _check("MultiModality", "one motion a text", multimodality(each, _chance()), 0)


def _joints(seconds: float = 1.0) -> Float[Tensor, "T J 3"]:
    """A body that waves everything a little."""
    t = torch.arange(round(seconds * _FPS), dtype=torch.float64)[:, None, None] / _FPS
    wave = 0.1 * torch.sin(6 * t + _rows(1, NUM_BODY_JOINTS * 3, 3).reshape(1, -1, 3))
    return rest_positions()[:NUM_BODY_JOINTS].double() + wave


def _trajectories() -> Iterator[SelfCheck]:
    truth = _joints()
    moved = truth + torch.tensor([0.3, 0.0, 0.4])
    errors = trajectory_metrics.trajectory_errors(moved, truth, _FPS)
    yield _check("ADE", "moved by 0.5 m", errors.ade, 0.5)
    yield _check("FDE", "moved by 0.5 m", errors.fde, 0.5)
    yield _check("MPJPE", "moved by 0.5 m: 0", errors.mpjpe, 0)
    turned = moved[..., [2, 1, 0]] * torch.tensor([1.3, 1.3, -1.3])
    aligned = trajectory_metrics.pa_mpjpe(turned, truth)
    yield _check("PA-MPJPE", "turned, moved and scaled: 0", aligned, 0)
    still = trajectory_metrics.acceleration_error(moved, truth, _FPS)
    yield _check("Acceleration error", "moved by 0.5 m: 0", still, 0)
    t = torch.arange(20, dtype=torch.float64)[:, None, None] / _FPS
    path = (t**3).expand(20, 1, 3) / math.sqrt(3)
    yield _check("Jerk", "t^3: 6", trajectory_metrics.jerk(path, _FPS), 6)


def _feet() -> Iterator[SelfCheck]:
    still, up, down = (foot_metrics(_standing(height)) for height in (0.0, 0.1, -0.1))
    yield _check("Foot skate", "standing", still.skate_ratio, 0)
    gliding = foot_metrics(_standing(0.0, speed=2.0)).skate_ratio
    yield _check("Foot skate", "gliding at 2 m/s", gliding, 1, 0.1)
    yield _check("Floating", "0.1 m above the floor", up.floating, 0.1, 1e-3)
    yield _check("Penetration", "0.1 m below the floor", down.penetration, 0.1, 1e-3)


def _prompts() -> Iterator[SelfCheck]:
    moves = Expectation(check="travel", settings={"min_metres": 1.0})
    suite = PromptSuite(
        name="made",
        prompts=tuple(
            Prompt(text=text, language="en", seconds=1.0, expectations=(moves,))
            for text in ("glide", "stand")
        ),
    )
    found = run_prompt_suite(
        lambda text, _seconds, _seed: _standing(0.0, speed=2.0 if text == "glide" else 0.0), suite
    )
    yield _check("Checks passed", "one of two goes", found["overall"]["share"], 0.5)


def _standing(height: float, *, speed: float = 0.0) -> Motion:
    transl = torch.zeros(30, 3)
    transl[:, 1] = height - SOLE_HEIGHT
    transl[:, 2] = torch.arange(30) * speed / _FPS
    return Motion.from_full_pose(torch.zeros(30, 165), transl)


def _dances() -> Iterator[SelfCheck]:
    still = rest_positions()[:NUM_BODY_JOINTS].expand(30, NUM_BODY_JOINTS, 3)
    yield _check("PFC", "standing", dance_metrics.physical_foot_contact(still, _FPS), 0)
    steps = 0.05 * _rows(12 * 40, NUM_BODY_JOINTS * 3, 4).reshape(12, 40, -1, 3).cumsum(1)
    clips = [still[0] + clip for clip in steps]
    for name, features in (
        ("FID_k", dance_metrics.kinetic_features),
        ("FID_g", dance_metrics.geometric_features),
    ):
        rows = torch.stack([features(clip, _FPS) for clip in clips])
        same = dance_metrics.feature_distance(rows, rows)
        yield _check(name, "a set to itself", same.frechet.value, 0)
    beats = torch.arange(1, 9) / 2.0
    for name, definition in (("AIST++", AIST_BEATS), ("Bailando", BAILANDO_BEATS)):
        on_the_beat = beat_score(beats, beats, definition)
        yield _check(f"Beat alignment ({name})", "all on the beat", on_the_beat, 1)


def _gestures() -> Iterator[SelfCheck]:
    truth, motion = _joints(2.0), _standing(0.0)
    clip = torch.zeros(2, 1, 3)
    clip[0, 0, 0] = 1.0
    yield _check("L1 diversity", "0 and 1 m: 0.5", gesture_metrics.l1_diversity([clip]), 0.5)
    yield _check("SRGR", "the truth", gesture_metrics.semantic_recall(truth, truth), 1)
    silent = gesture_metrics.beat_consistency(motion, torch.tensor([0.5]))
    yield _check("Beat consistency", "a body at rest", silent, 0)
    shared = _rows(30, 4, 5)
    fgd = gesture_metrics.frechet_gesture_distance(lambda _: shared, [motion], [motion])
    yield _check("FGD", "a set to itself", fgd.value, 0)


def _texts() -> Iterator[SelfCheck]:
    scores = text_scores(_CAPTIONS, [[text] for text in _CAPTIONS])
    for n, value in enumerate(scores.bleu, start=1):
        yield _check(f"BLEU-{n}", "the reference itself", value, 1)
    yield _check("ROUGE-L", "the reference itself", scores.rouge_l, 1)
    yield _check("CIDEr", "the reference itself", scores.cider, 10)
    states = _rows(5, 8, 6)
    yield _check("Token F1", "a text with itself", greedy_match(states, states)[2], 1)
    nearest = best_cosine(states[0], states)
    yield _check("Text cosine", "a text among others, with itself", nearest, 1)
    content = content_of(["a person waves the left hand", "waving with the left arm"])
    right = [is_right(f"she waves the {s} hand", content) for s in ("left", "right") if content]
    yield _check("Content accuracy", "the left hand, the right hand", sum(right) / 2, 0.5)


def _codebooks() -> Iterator[SelfCheck]:
    use = codebook_use("made", 0, torch.tensor([5, 5, 5, 5, 0, 0, 0, 0]))
    yield _check("Codebook usage", "4 of 8 rows", use.used_share, 0.5)
    yield _check("Codebook perplexity", "4 rows evenly", use.perplexity, 4)


def _tasks() -> Iterator[SelfCheck]:
    truth = _joints(4.0)
    away = truth + torch.tensor([0.3, 0.0, 0.4])
    yield _check("Drift at 3 s", "moved by 0.5 m", drift(away, truth) or 0.0, 0.5)
    piece = _swaying(24)
    gap = HeldOutGap(clip_id="made", start=piece, truth=piece, end=piece)
    seam = score([gap], [piece], "inbetweening").seam_jerk
    yield _check("Seam jerk", "the truth", float(seam), 1)
    yield _check("Frame FID", "a set to itself", gap_fid([gap], [piece]), 0)
    loud = torch.linspace(0, 1, 30)
    for name in ("Stroke correlation", "Jaw correlation"):
        yield _check(name, "twice the loudness", correlation(2 * loud + 1, loud), 1)
    mouth = mouth_scores(loud, loud > 0.5)
    yield _check("Mouth AUC", "open in voice alone", mouth.auc, 1)
    example = next(e for e in make_examples("test", 12, 0) if e.task == TASK_OF["steps"])
    steps = parse_steps(example.answer)
    answer = score_plan(example, Plan(want="steps", text=example.answer, steps=steps))
    for name in SHARES:
        yield _check(f"Plan {name}", "the grammar's own answer", getattr(answer, name), 1)
    yield _check("Plan lcs", "the grammar's own answer", answer.lcs, 1)


def _swaying(num_frames: int) -> Motion:
    pose = 0.2 * torch.sin(torch.arange(num_frames * 165.0).reshape(num_frames, 165) / 70)
    return Motion.from_full_pose(pose, torch.zeros(num_frames, 3))
