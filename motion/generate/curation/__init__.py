"""Films in the wild to motions and annotations: people, poses, words; no service is asked."""

from motion.generate.curation.annotation import (
    Action,
    ClipCaption,
    LeftOut,
    PoseConfidence,
    VideoAnnotation,
    problems_of,
    read_annotation,
    write_annotation,
)
from motion.generate.curation.clips import ClipConfig
from motion.generate.curation.curating import (
    CuratedVideo,
    CurationConfig,
    CurationReport,
    Curator,
    FailedVideo,
    check_names,
)
from motion.generate.curation.describing import (
    AskConfig,
    Clip,
    Describer,
    ModelDescriber,
    Said,
)

__all__ = [
    "Action",
    "AskConfig",
    "Clip",
    "ClipCaption",
    "ClipConfig",
    "CuratedVideo",
    "CurationConfig",
    "CurationReport",
    "Curator",
    "Describer",
    "FailedVideo",
    "LeftOut",
    "ModelDescriber",
    "PoseConfidence",
    "Said",
    "VideoAnnotation",
    "check_names",
    "problems_of",
    "read_annotation",
    "write_annotation",
]
