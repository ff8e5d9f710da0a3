"""One row for each metric: what it is, its unit and direction, where its formula comes from.

Reports take names, units and directions from here, so that they stand in one place; the test suite
holds every row against ``motion.evaluate.self_checks``.
"""

from dataclasses import dataclass

from motion.errors import RequestError
from motion.evaluate.plan_scores import RULES
from motion.evaluate.protocol import Better, Figure, Protocol


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a number means."""

    name: str
    """As in the field's tables."""
    unit: str
    better: Better
    formula: str
    source: str
    function: str
    """Module and function below ``motion.evaluate``."""


def _metric(
    name: str, unit: str, better: Better, formula: str, source: str, function: str
) -> Metric:
    return Metric(
        name=name, unit=unit, better=better, formula=formula, source=source, function=function
    )


_GUO = "Guo et al., CVPR 2022, section 5.1"
_AIST = "fairmotion; Li et al., ICCV 2021; Siyao et al., CVPR 2022"
_BEAT = "Liu et al., ECCV 2022 (BEAT) and CVPR 2024 (EMAGE)"

METRICS: tuple[Metric, ...] = (
    _metric(
        "FID",
        "1",
        "lower",
        "|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2) of the evaluator's embeddings",
        "Heusel et al., NeurIPS 2017, equation 6",
        "distribution_metrics.frechet_distance",
    ),
    *(
        _metric(
            f"R@{k}",
            "1",
            "higher",
            f"share of texts whose motion is among the {k} nearest of 32",
            _GUO,
            "distribution_metrics.r_precision",
        )
        for k in (1, 2, 3)
    ),
    _metric(
        "MM-distance",
        "1",
        "lower",
        "mean |text - motion| of matched embeddings",
        _GUO,
        "distribution_metrics.mm_distance",
    ),
    _metric(
        "Text-motion cosine",
        "1",
        "higher",
        "cosine of matched embeddings",
        "own",
        "distribution_metrics.matched_cosines",
    ),
    _metric(
        "Checks passed",
        "1",
        "higher",
        "share of motions that pass every programmatic check of their prompt",
        "own",
        "prompts.run_prompt_suite",
    ),
    _metric(
        "Diversity",
        "1",
        "closer",
        "mean |a - b| of 300 random pairs",
        _GUO,
        "distribution_metrics.diversity",
    ),
    _metric(
        "MultiModality",
        "1",
        "higher",
        "mean |a - b| of 10 random pairs among the motions of one text",
        _GUO,
        "distribution_metrics.multimodality",
    ),
    _metric(
        "ADE",
        "m",
        "lower",
        "mean over frames and joints of |p - q| in the world",
        "Alahi et al., CVPR 2016",
        "trajectory_metrics.ade",
    ),
    _metric(
        "FDE",
        "m",
        "lower",
        "mean over joints of |p - q| in the last frame",
        "Alahi et al., CVPR 2016",
        "trajectory_metrics.fde",
    ),
    _metric(
        "MPJPE",
        "m",
        "lower",
        "mean |p - q| with both roots at the origin",
        "Ionescu et al., PAMI 2014, section 6",
        "trajectory_metrics.mpjpe",
    ),
    _metric(
        "PA-MPJPE",
        "m",
        "lower",
        "mean |s R p + t - q| with the best s, R, t of each frame",
        "Umeyama, PAMI 1991",
        "trajectory_metrics.pa_mpjpe",
    ),
    _metric(
        "Acceleration error",
        "m/s2",
        "lower",
        "mean |p'' - q''| by second differences",
        "Kanazawa et al., CVPR 2019, section 5",
        "trajectory_metrics.acceleration_error",
    ),
    _metric(
        "Jerk",
        "m/s3",
        "closer",
        "mean |p'''| by third differences",
        "Flash and Hogan, J. Neuroscience 1985",
        "trajectory_metrics.jerk",
    ),
    _metric(
        "Foot skate",
        "1",
        "lower",
        "share of frames in which a foot on the floor moves faster than 0.5 m/s",
        "Karunratanakul et al., ICCV 2023, section 5",
        "foot_metrics.foot_metrics",
    ),
    _metric(
        "Floating",
        "m",
        "lower",
        "mean height of the lowest point over the floor",
        "own",
        "foot_metrics.foot_metrics",
    ),
    _metric(
        "Penetration",
        "m",
        "lower",
        "mean depth of the lowest point below the floor",
        "own",
        "foot_metrics.foot_metrics",
    ),
    _metric(
        "PFC",
        "1",
        "lower",
        "1e4 mean of |a| / max|a| times the slower point of the left and of the right foot",
        "Tseng et al., CVPR 2023, section 4.3",
        "dance_metrics.physical_foot_contact",
    ),
    _metric(
        "FID_k",
        "1",
        "lower",
        "FID of speeds and accelerations of joints, normalized by real motion",
        _AIST,
        "dance_metrics.feature_distance",
    ),
    _metric(
        "FID_g",
        "1",
        "lower",
        "FID of shares of frames of 32 relations, normalized by real motion",
        _AIST,
        "dance_metrics.feature_distance",
    ),
    _metric(
        "Beat alignment (AIST++)",
        "1",
        "higher",
        "mean over kinematic beats of exp(-d^2 / 2 sigma^2), sigma = 50 ms",
        "Li et al., ICCV 2021, section 5.2.3",
        "beat_metrics.beat_score",
    ),
    _metric(
        "Beat alignment (Bailando)",
        "1",
        "higher",
        "mean over music beats of exp(-d^2 / 2 sigma^2), sigma = 50 ms",
        "Siyao et al., CVPR 2022, section 4",
        "beat_metrics.beat_score",
    ),
    _metric(
        "FGD",
        "1",
        "lower",
        "FID of embeddings of gesture windows",
        "Yoon et al., SIGGRAPH Asia 2020, section 4.2",
        "gesture_metrics.frechet_gesture_distance",
    ),
    _metric(
        "Beat consistency",
        "1",
        "closer",
        "mean over onsets and joints of exp(-d^2 / 2 sigma^2), sigma = 0.3 s",
        _BEAT,
        "gesture_metrics.beat_consistency",
    ),
    _metric(
        "L1 diversity",
        "m",
        "closer",
        "mean over frames of sum |x - mean of the clip|",
        _BEAT,
        "gesture_metrics.l1_diversity",
    ),
    _metric(
        "SRGR",
        "1",
        "higher",
        "mean of s_t / mean(s) times the share of joints within 0.1 m",
        _BEAT,
        "gesture_metrics.semantic_recall",
    ),
    *(
        _metric(
            f"BLEU-{n}",
            "1",
            "higher",
            f"brevity times the geometric mean of clipped precisions of 1- to {n}-grams",
            "Papineni et al., ACL 2002",
            "text_metrics.bleu",
        )
        for n in (1, 2, 3, 4)
    ),
    _metric(
        "ROUGE-L",
        "1",
        "higher",
        "F1 of the longest common subsequence, best reference",
        "Lin, 2004, section 3",
        "text_metrics.rouge_l",
    ),
    _metric(
        "CIDEr",
        "1",
        "higher",
        "10 times the mean cosine of clipped tf-idf of 1- to 4-grams, with length penalty",
        "Vedantam et al., CVPR 2015; coco-caption",
        "text_metrics.cider",
    ),
    _metric(
        "Text cosine",
        "1",
        "higher",
        "cosine of mean-centred sentence embeddings, best reference",
        "own",
        "text_metrics.embedding_similarity",
    ),
    _metric(
        "Token F1",
        "1",
        "higher",
        "F1 of greedy matching of token states",
        "Zhang et al., ICLR 2020",
        "text_metrics.embedding_similarity",
    ),
    _metric(
        "Content accuracy",
        "1",
        "higher",
        "share of captions that name the references' main action, and the side they agree on",
        "own",
        "action_words.is_right",
    ),
    _metric(
        "Codebook usage",
        "1",
        "higher",
        "share of the rows used at least once",
        "own",
        "codebook_metrics.codebook_use",
    ),
    _metric(
        "Codebook perplexity",
        "1",
        "higher",
        "exp(-sum p log p)",
        "van den Oord et al., NeurIPS 2017",
        "codebook_metrics.codebook_use",
    ),
    _metric(
        "Drift at 3 s",
        "m",
        "lower",
        "mean over joints of |p - q| in the world, 3 s after both started alike",
        "own",
        "reconstruction.drift",
    ),
    _metric(
        "Seam jerk",
        "1",
        "closer",
        "mean jerk in the six frames over a seam, over that of the truth; truth: 1",
        "own",
        "inbetween_suite.score",
    ),
    _metric(
        "Frame FID",
        "1",
        "lower",
        "FID of all frames: joint positions and velocities, 24 principal axes of the truth",
        "own",
        "inbetween_suite.gap_fid",
    ),
    *(
        _metric(name, "1", "higher", formula, "own", f"speech_metrics.{function}")
        for name, formula, function in (
            ("Stroke correlation", "Pearson's r of arm speed and loudness", "correlation"),
            ("Jaw correlation", "Pearson's r of the open jaw and loudness", "correlation"),
            ("Mouth AUC", "chance that voice is more open than silence", "mouth_scores"),
        )
    ),
    *(
        _metric(f"Plan {name}", "1", "higher", formula, "own", "plan_scores.score_plan")
        for name, formula in RULES.items()
    ),
)


def metric(name: str) -> Metric:
    """Row of a metric.

    Raises:
        RequestError: There is no such metric.
    """
    for row in METRICS:
        if row.name == name:
            return row
    raise RequestError(f"unknown metric '{name}'; known are {', '.join(m.name for m in METRICS)}")


def figure(
    name: str,
    value: float,
    protocol: Protocol,
    *,
    interval: tuple[float, float] | None = None,
    flags: tuple[str, ...] = (),
) -> Figure:
    """Make a figure with unit and direction of its metric.

    Raises:
        RequestError: There is no such metric.
        DataError: The value or its interval is not finite.
    """
    row = metric(name)
    return Figure(
        name=name,
        value=value,
        interval=interval,
        unit=row.unit,
        better=row.better,
        protocol=protocol,
        flags=flags,
    )
