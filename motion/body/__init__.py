"""From a ``Motion`` to joints and mesh, with the packaged bodies or a licensed SMPL-X file."""

from motion.body.files import BODY_VARIABLE, GENDERS, BodyArrays, find_body_file, read_body
from motion.body.model import BodyConfig, BodyModel
from motion.body.skinning import face_incidence, vertex_normals

__all__ = [
    "BODY_VARIABLE",
    "GENDERS",
    "BodyArrays",
    "BodyConfig",
    "BodyModel",
    "face_incidence",
    "find_body_file",
    "read_body",
    "vertex_normals",
]
