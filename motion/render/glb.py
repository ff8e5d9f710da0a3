"""Motions as GLB (glTF 2.0 binary): skinned, animated body with face, for engines and the web.

The file holds the rest mesh with four bones a vertex and linear vertex colours, the 55 joints as
nodes, the expressions as sparse morph targets, and one animation. Source of the layout: Khronos
glTF 2.0 specification, sections 3.6 (accessors), 3.7 (skins, morph targets) and 4.4 (GLB).
Axis letters added: ``F`` triangles, ``E`` expression coefficients, ``N`` rows of an accessor.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from motion.body import BodyModel
from motion.errors import RequestError
from motion.formats import atomic_path
from motion.geometry import axis_angle_to_matrix, matrix_to_quat_wxyz
from motion.representation import JOINT_NAMES, NUM_JOINTS, PARENTS, Motion

Json = dict[str, Any]

_COMPONENT_TYPES: dict[str, int] = {"float32": 5126, "uint8": 5121, "uint16": 5123, "uint32": 5125}
_KINDS: dict[tuple[int, ...], str] = {
    (): "SCALAR",
    (3,): "VEC3",
    (4,): "VEC4",
    (4, 4): "MAT4",
}
_VERTEX_DATA, _INDEX_DATA = 34962, 34963
_MAGIC, _JSON_CHUNK, _BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
_BONES_PER_VERTEX = 4
"""What every engine supports; the others' weights (at most 8 % of a vertex) go to these."""
_STILL = 1e-6
"""Radians; a joint that turns less over the whole clip gets no track of its own."""
_MIN_OFFSET = 1e-5
"""Metres; smaller offsets of an expression are left out."""


def write_glb(motion: Motion, path: Path | str, *, body: BodyModel | None = None) -> None:
    """Write a motion as an animated character.

    Expressions are animated where ``body`` uses the motion's coefficients (see ``BodyConfig``); the
    morph targets are in the file in any case. Pose correctives of licensed bodies are left out:
    glTF has none.

    Args:
        motion: What the body does; its fps gives the times of the keys.
        path: The file, ``.glb``.
        body: Whom to draw; None: the default body.

    Raises:
        RequestError: The motion has no frames.
        OutputError: The file cannot be written.
    """
    if motion.num_frames == 0:
        raise RequestError("a motion without frames cannot be written as GLB")
    body = body or BodyModel.load()
    glb = _Glb()
    document = _document(glb, motion, body)
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(glb.packed(document))


class _Glb:
    """The binary part of a GLB file and the tables that point into it."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.views: list[Json] = []
        self.accessors: list[Json] = []

    def view(self, raw: bytes, target: int | None = None) -> int:
        """Append bytes at a multiple of four; give the number of their view."""
        self.binary += bytes(-len(self.binary) % 4)
        view: Json = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(raw)}
        if target is not None:
            view["target"] = target
        self.binary += raw
        self.views.append(view)
        return len(self.views) - 1

    def add(self, values: NDArray[Any], *, target: int | None = None, bounds: bool = False) -> int:
        """Append an array of rows; give the number of its accessor."""
        values = np.ascontiguousarray(values)
        accessor: Json = {
            "bufferView": self.view(values.tobytes(), target),
            "componentType": _COMPONENT_TYPES[values.dtype.name],
            "count": len(values),
            "type": _KINDS[values.shape[1:]],
        }
        if bounds:
            rows = values.reshape(len(values), -1)
            accessor |= {"min": rows.min(0).tolist(), "max": rows.max(0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_sparse(self, offsets: Float[NDArray[np.float32], "N 3"]) -> int:
        """Append rows that are mostly zero."""
        rows = np.flatnonzero(np.abs(offsets).max(axis=1) > _MIN_OFFSET)
        if len(rows) == 0:
            rows = np.array([0])  # an empty list is not allowed
        values = np.ascontiguousarray(offsets[rows])
        self.accessors.append(
            {
                "componentType": _COMPONENT_TYPES["float32"],
                "count": len(offsets),
                "type": "VEC3",
                "min": np.minimum(values.min(0), 0).tolist(),
                "max": np.maximum(values.max(0), 0).tolist(),
                "sparse": {
                    "count": len(rows),
                    "indices": {
                        "bufferView": self.view(rows.astype(np.uint32).tobytes()),
                        "componentType": _COMPONENT_TYPES["uint32"],
                    },
                    "values": {"bufferView": self.view(values.tobytes())},
                },
            }
        )
        return len(self.accessors) - 1

    def packed(self, document: Json) -> bytes:
        """Give the whole file."""
        self.binary += bytes(-len(self.binary) % 4)
        document = {
            "asset": {"version": "2.0", "generator": "motion"},
            **document,
            "bufferViews": self.views,
            "accessors": self.accessors,
            "buffers": [{"byteLength": len(self.binary)}],
        }
        text = json.dumps(document, separators=(",", ":")).encode("ascii")
        text += b" " * (-len(text) % 4)
        size = 12 + 8 + len(text) + 8 + len(self.binary)
        return b"".join(
            [
                struct.pack("<III", _MAGIC, 2, size),
                struct.pack("<II", len(text), _JSON_CHUNK),
                text,
                struct.pack("<II", len(self.binary), _BINARY_CHUNK),
                bytes(self.binary),
            ]
        )


def _document(glb: _Glb, motion: Motion, body: BodyModel) -> Json:
    betas = body.betas_of(motion)
    joints = body.rest_joints(betas).cpu().numpy().astype(np.float32)
    inverse = np.tile(np.eye(4, dtype=np.float32), (NUM_JOINTS, 1, 1))
    inverse[:, 3, :3] = -joints  # columns first, as glTF stores matrices
    rotations = _quaternions(motion, body)
    is_still = np.abs(rotations - rotations[:1]).max(axis=(0, 2)) < _STILL
    nodes = _joint_nodes(joints)
    for joint in np.flatnonzero(is_still):
        nodes[joint]["rotation"] = rotations[0, joint].tolist()
    nodes.append({"name": "body_mesh", "mesh": 0, "skin": 0})
    mesh = _mesh(glb, motion, body)
    material = {
        "name": "body",
        "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.85},
        "doubleSided": True,
    }
    return {
        "scene": 0,
        "scenes": [{"nodes": [0, NUM_JOINTS]}],
        "nodes": nodes,
        "meshes": [mesh],
        "materials": [material],
        "skins": [
            {
                "joints": list(range(NUM_JOINTS)),
                "skeleton": 0,
                "inverseBindMatrices": glb.add(inverse),
            }
        ],
        "animations": [_animation(glb, motion, body, joints[0], rotations[:, ~is_still], is_still)],
    }


def _joint_nodes(joints: Float[NDArray[np.float32], "J 3"]) -> list[Json]:
    nodes: list[Json] = []
    for joint, name in enumerate(JOINT_NAMES):
        origin = joints[PARENTS[joint]] if joint else np.zeros(3, np.float32)
        nodes.append({"name": name, "translation": (joints[joint] - origin).tolist()})
        if joint:
            nodes[PARENTS[joint]].setdefault("children", []).append(joint)
    return nodes


def _mesh(glb: _Glb, motion: Motion, body: BodyModel) -> Json:
    rest = body.rest_vertices(body.betas_of(motion))
    normals = body.normals(rest[None])[0].cpu().numpy()
    normals[np.linalg.norm(normals, axis=1) < 0.5] = (0.0, 1.0, 0.0)  # a vertex without triangles
    indices, weights = _four_bones(body.arrays.weights.cpu().numpy())
    linear = np.ones((body.num_vertices, 4))
    linear[:, :3] = body.colors_linear.cpu().numpy()
    attributes = {
        "POSITION": glb.add(rest.cpu().numpy(), target=_VERTEX_DATA, bounds=True),
        "NORMAL": glb.add(normals, target=_VERTEX_DATA),
        "JOINTS_0": glb.add(indices, target=_VERTEX_DATA),
        "WEIGHTS_0": glb.add(weights, target=_VERTEX_DATA),
        "COLOR_0": glb.add(np.round(linear * 65535).astype(np.uint16), target=_VERTEX_DATA),
    }
    glb.accessors[attributes["COLOR_0"]]["normalized"] = True
    small = body.num_vertices < 65535  # the largest index is reserved
    faces = body.faces.cpu().numpy().reshape(-1).astype(np.uint16 if small else np.uint32)
    primitive: Json = {
        "attributes": attributes,
        "indices": glb.add(faces, target=_INDEX_DATA),
        "material": 0,
    }
    mesh: Json = {"name": "body", "primitives": [primitive]}
    offsets = body.arrays.expression_dirs.cpu().numpy()  # (V, 3, E)
    if offsets.shape[2]:
        primitive["targets"] = [
            {"POSITION": glb.add_sparse(offsets[:, :, index])} for index in range(offsets.shape[2])
        ]
        mesh["weights"] = [0.0] * offsets.shape[2]
        mesh["extras"] = {"targetNames": list(body.arrays.expression_names)}
    return mesh


def _four_bones(
    weights: Float[NDArray[np.float32], "V J"],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Joint numbers and weights (summing to one) of the four strongest bones of each vertex."""
    top = np.argsort(-weights, axis=1, kind="stable")[:, :_BONES_PER_VERTEX]
    kept = np.take_along_axis(weights, top, axis=1)
    kept = kept / kept.sum(axis=1, keepdims=True)
    return np.where(kept > 0, top, 0).astype(np.uint8), kept.astype(np.float32)


def _quaternions(motion: Motion, body: BodyModel) -> Float[NDArray[np.float32], "T J 4"]:
    """Local rotations as x, y, z, w, without a change of sign from frame to frame."""
    matrix = axis_angle_to_matrix(body.pose_of(motion).double())
    quaternion = matrix_to_quat_wxyz(matrix).roll(-1, dims=-1).cpu().numpy()
    turns = (quaternion[1:] * quaternion[:-1]).sum(-1) < 0  # (T - 1, J)
    sign = np.ones(quaternion.shape[:2])
    sign[1:] = np.where(np.cumsum(turns, axis=0) % 2, -1.0, 1.0)
    return (quaternion * sign[..., None]).astype(np.float32)


def _animation(
    glb: _Glb,
    motion: Motion,
    body: BodyModel,
    pelvis: Float[NDArray[np.float32], " 3"],
    rotations: Float[NDArray[np.float32], "T M 4"],
    is_still: NDArray[np.bool_],
) -> Json:
    times = glb.add((np.arange(motion.num_frames) / motion.fps).astype(np.float32), bounds=True)
    samplers: list[Json] = []
    channels: list[Json] = []

    def track(node: int, path: str, values: NDArray[np.float32]) -> None:
        samplers.append({"input": times, "output": glb.add(values), "interpolation": "LINEAR"})
        target = {"node": node, "path": path}
        channels.append({"sampler": len(samplers) - 1, "target": target})

    for column, joint in enumerate(np.flatnonzero(~is_still)):
        track(int(joint), "rotation", rotations[:, column])
    track(0, "translation", pelvis + motion.transl.cpu().numpy().astype(np.float32))
    if body.uses_coefficients and body.arrays.expression_dirs.shape[2]:
        track(NUM_JOINTS, "weights", body.expression_of(motion).cpu().numpy().reshape(-1))
    return {"name": "motion", "samplers": samplers, "channels": channels}
