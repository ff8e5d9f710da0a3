"""Measure how well films give motions back: known motions drawn by our renderer, then curated.

    python tools/measure_curation.py --out benchmarks/curation.json --picture docs/curation.png

Every clip is drawn from every side, its film is read by the pose networks like any other, and the
motion that comes out is held against the one that was drawn. Prints a line a film; the JSON holds
the protocol. Axes: T frames, J joints.
"""

import argparse
import json
import math
import platform
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import torch
from jaxtyping import Float
from torch import Tensor

from motion.conditioners.blazepose import BlazePose
from motion.data import load_corpora
from motion.evaluate.trajectory_metrics import mpjpe, pa_mpjpe
from motion.formats import atomic_path
from motion.formats.film import read_pictures
from motion.generate.checkpoint import DEFAULT_CHECKPOINT, LIBRARY_FOLDER
from motion.generate.curation.body_motion import motion_of_track
from motion.generate.curation.clips import ClipFinder, Track
from motion.geometry import yaw_to_matrix
from motion.render.painter import Painter
from motion.render.staging import PictureConfig, load_body, plan_shot
from motion.render.stills import encode_png
from motion.render.video import VideoConfig, write_mp4
from motion.representation import FPS, NUM_BODY_JOINTS, Motion

CLIPS: tuple[str, ...] = (
    *("ual_walk", "m2m_greeting"),
    *("m2m_drink", "ual_pick_up", "ual_punch_jab", "kk_cheer"),
)
"""Of the packaged library. On films of the first two (and of others, not named here) the few
constants of the method were chosen; the others were not looked at before they were measured."""

CHOSEN_ON = frozenset(("ual_walk", "m2m_greeting"))
VIEWS: tuple[tuple[float, float], ...] = ((0, 5), (45, 12), (90, 9), (180, 9))
"""Azimuth (0: in front, 90: at the person's left) and elevation of the camera, degrees."""

PROTOCOL = (
    "films of 30 pictures a second with the packaged body, plain background, camera of "
    "motion.render (it moves where the whole way does not fit); mpjpe_mm: mean error of the 22 "
    "body joints, roots at the origin in every frame, found motion turned about y once for the "
    "clip; pa_mpjpe_mm: after the best shift, turn and scale of every frame; still_mm: mpjpe of "
    "a clip's own mean true pose, for comparison; tilt_degrees: angle between the true vertical "
    "and the found one after the best turn of the whole clip; way_metres: from the root's first to "
    "its last place; height_cm: mean error of the root's height; every clip counts the same"
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Figures of one film."""

    clip: str
    azimuth_degrees: float
    elevation_degrees: float
    frames: int
    mpjpe_mm: float
    pa_mpjpe_mm: float
    still_mm: float
    tilt_degrees: float
    way_metres: float
    true_way_metres: float
    height_cm: float
    presence: float
    visibility: float
    cpu_ms_per_picture: float
    """Decoding and both networks."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--clips", nargs="+", default=list(CLIPS), metavar="ID")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each clip (2)")
    parser.add_argument("--size", type=int, default=256, help="pixels of the square film (256)")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="drawn beside found, as png")
    arguments = parser.parse_args()
    finder, rows, strips = BlazePose.load(), [], []
    for clip in arguments.clips:
        truth = library_clip(clip, arguments.seconds)
        for azimuth, elevation in VIEWS:
            config = VideoConfig(
                width=arguments.size,
                height=arguments.size,
                azimuth_degrees=azimuth,
                elevation_degrees=elevation,
            )
            row, found, picture = measured(clip, truth, config, finder)
            rows.append(row)
            print(
                f"{clip:20s} {azimuth:4.0f} {elevation:3.0f}  mpjpe {row.mpjpe_mm:5.1f} mm  "
                f"pa {row.pa_mpjpe_mm:5.1f} mm  way {row.way_metres:.2f} of "
                f"{row.true_way_metres:.2f} m",
                flush=True,
            )
            if azimuth == VIEWS[1][0]:
                strips.append(torch.cat([picture, drawn(found, config, len(found.transl) // 2)], 1))
    report = {
        "protocol": {
            "what": PROTOCOL,
            "command": f"python tools/measure_curation.py --clips {' '.join(arguments.clips)} "
            f"--seconds {arguments.seconds:g} --size {arguments.size} --out {arguments.out}",
            "pose": finder.fingerprint,
            "chosen_on": sorted(CHOSEN_ON),
            "machine": platform.processor() or platform.machine(),
        },
        "all": summary(rows),
        "not_looked_at_before": summary([row for row in rows if row.clip not in CHOSEN_ON]),
        "by_azimuth": {
            f"{azimuth:g}": summary([row for row in rows if row.azimuth_degrees == azimuth])
            for azimuth, _ in VIEWS
        },
        "films": [asdict(row) for row in rows],
    }
    with atomic_path(arguments.out) as path:
        path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if arguments.picture is not None:
        with atomic_path(arguments.picture) as path:
            path.write_bytes(encode_png(torch.cat(strips, dim=1).numpy()))
    print(json.dumps(report["all"]))


def library_clip(name: str, seconds: float) -> Motion:
    """The beginning of a clip of the packaged library."""
    library = load_corpora([DEFAULT_CHECKPOINT / LIBRARY_FOLDER])[0]
    number = [clip.clip_id for clip in library.clips].index(name)
    motion = library.motion(number)
    return motion.frames(0, min(motion.num_frames, round(seconds * FPS)))


def measured(
    clip: str, truth: Motion, config: VideoConfig, finder: BlazePose
) -> tuple[Measured, Motion, Tensor]:
    """Draw, curate and compare; give the found motion and the film's middle picture, too."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        write_mp4(truth, film, config=config)
        start = time.process_time()
        clips = list(ClipFinder(finder).clips(read_pictures(film, fps=FPS)))
        seconds = time.process_time() - start
        pictures = [picture.pixels for picture in read_pictures(film, fps=FPS)]
    track: Track = max((found.track for found in clips), key=lambda track: track.num_frames)
    found = motion_of_track(track, clip)
    first = round(track.start_seconds * FPS)
    truth = truth.frames(first, first + found.num_frames)
    joints, true_joints = (m.joints(NUM_BODY_JOINTS).double() for m in (found, truth))
    row = Measured(
        clip=clip,
        azimuth_degrees=config.azimuth_degrees,
        elevation_degrees=config.elevation_degrees,
        frames=found.num_frames,
        mpjpe_mm=1000 * mpjpe(turned(joints, true_joints), true_joints),
        pa_mpjpe_mm=1000 * pa_mpjpe(joints, true_joints, scale=True),
        still_mm=1000 * mpjpe(still(true_joints), true_joints),
        tilt_degrees=tilt_degrees(joints, true_joints),
        way_metres=way_metres(found),
        true_way_metres=way_metres(truth),
        height_cm=100 * float((joints - true_joints)[:, 0, 1].abs().mean()),
        presence=float(track.presence.mean()),
        visibility=float(track.visibility.mean()),
        cpu_ms_per_picture=1000 * seconds / len(pictures),
    )
    return row, found, pictures[len(pictures) // 2]


def summary(rows: list[Measured]) -> dict[str, float]:
    """Means over films."""
    names = ("mpjpe_mm", "pa_mpjpe_mm", "still_mm", "tilt_degrees", "height_cm", "visibility")
    found = {name: round(fmean(getattr(row, name) for row in rows), 2) for name in names}
    far = [row for row in rows if row.true_way_metres > 1]
    shares = [row.way_metres / row.true_way_metres for row in far]
    more = {"share_of_way": round(fmean(shares), 3)} if far else {}
    speed = round(fmean(row.cpu_ms_per_picture for row in rows), 1)
    return {"films": len(rows), **found, **more, "cpu_ms_per_picture": speed}


def turned(found: Float[Tensor, "T J 3"], truth: Float[Tensor, "T J 3"]) -> Tensor:
    """Joints turned about y by the one angle that brings them nearest to the true ones."""
    here, there = (values - values[:, :1] for values in (found, truth))
    cross = (here[..., 2] * there[..., 0] - here[..., 0] * there[..., 2]).sum()
    dot = (here[..., 0] * there[..., 0] + here[..., 2] * there[..., 2]).sum()
    return here @ yaw_to_matrix(torch.atan2(cross, dot)).T


def tilt_degrees(found: Float[Tensor, "T J 3"], truth: Float[Tensor, "T J 3"]) -> float:
    """Angle of the vertical after the best turn of the whole clip (Kabsch)."""
    here, there = ((values - values[:, :1]).reshape(-1, 3) for values in (found, truth))
    left, _, right = torch.linalg.svd(there.T @ here)
    sign = torch.linalg.det(left @ right).sign()
    best = left @ torch.diag(torch.stack([sign.new_ones(()), sign.new_ones(()), sign])) @ right
    return math.degrees(math.acos(min(1.0, float(best[1, 1]))))


def still(joints: Float[Tensor, "T J 3"]) -> Tensor:
    """The clip's mean pose in every frame."""
    relative = joints - joints[:, :1]
    return relative.mean(0, keepdim=True).expand_as(relative)


def way_metres(motion: Motion) -> float:
    """From the root's first to its last place over the floor."""
    return float((motion.transl[-1] - motion.transl[0])[[0, 2]].norm())


def drawn(motion: Motion, config: PictureConfig, frame: int) -> Tensor:
    """One frame of a motion as the film was drawn."""
    body = load_body(None, motion)
    shot = plan_shot(motion, body, config)
    size = (config.width, config.height)
    with Painter(*size, body.faces.numpy(), body.colors_linear.numpy()) as painter:
        return torch.from_numpy(next(shot.pictures(painter, frame, frame + 1)).copy())


if __name__ == "__main__":
    main()
