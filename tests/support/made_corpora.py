"""Small corpora in their true file formats, made of formula motions."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from made_motions import make_walk

from motion.data import Caption, ClipRecord
from motion.data.corpus import BODY_WIDTH, FORMAT_VERSION, write_corpus_files
from motion.data.skeletons import SKELETONS, SourceSkeleton
from motion.geometry import forward_kinematics, local_from_world, matrix_to_axis_angle
from motion.representation import (
    JOINT_INDEX,
    JOINT_NAMES,
    PARENTS,
    Motion,
    rest_offsets,
)

# name, parent, offset (metres): bones along local x, as in the original files
BANDAI_JOINTS = [
    ("Hips", "", (0, 0, 0)),
    ("Spine", "Hips", (0.157, 0, 0)),
    ("Chest", "Spine", (0.09, 0, 0)),
    ("Neck", "Chest", (0.164, 0, 0)),
    ("Head", "Neck", (0.065, 0, 0)),
    ("Shoulder_L", "Chest", (0.13, 0, 0.05)),
    ("UpperArm_L", "Shoulder_L", (0.053, 0, 0)),
    ("LowerArm_L", "UpperArm_L", (0.243, 0, 0)),
    ("Hand_L", "LowerArm_L", (0.223, 0, 0)),
    ("Shoulder_R", "Chest", (0.13, 0, -0.05)),
    ("UpperArm_R", "Shoulder_R", (-0.053, 0, 0)),
    ("LowerArm_R", "UpperArm_R", (-0.243, 0, 0)),
    ("Hand_R", "LowerArm_R", (-0.223, 0, 0)),
    ("UpperLeg_L", "Hips", (-0.022, -0.065, 0)),
    ("LowerLeg_L", "UpperLeg_L", (0.391, 0, 0)),
    ("Foot_L", "LowerLeg_L", (0.41, 0, 0)),
    ("Toes_L", "Foot_L", (0.118, 0, 0)),
    ("UpperLeg_R", "Hips", (-0.022, 0.065, 0)),
    ("LowerLeg_R", "UpperLeg_R", (-0.391, 0, 0)),
    ("Foot_R", "LowerLeg_R", (-0.41, 0, 0)),
    ("Toes_R", "Foot_R", (-0.118, 0, 0)),
]

# legs splayed by 20 degrees, arms sideways, as in the original files
MB_JOINTS = [
    ("Hips", "", (0, 0, 0)),
    ("LeftUpLeg", "Hips", (0.1, -0.107, 0.027)),
    ("LeftLeg", "LeftUpLeg", (0.143, -0.393, 0)),
    ("LeftFoot", "LeftLeg", (0.153, -0.42, 0)),
    ("LeftToeBase", "LeftFoot", (0.011, -0.031, 0.126)),
    ("RightUpLeg", "Hips", (-0.1, -0.107, 0.027)),
    ("RightLeg", "RightUpLeg", (-0.143, -0.393, 0)),
    ("RightFoot", "RightLeg", (-0.153, -0.42, 0)),
    ("RightToeBase", "RightFoot", (-0.011, -0.031, 0.126)),
    ("LowerBack", "Hips", (0, 0, 0)),
    ("Spine", "LowerBack", (0, 0.114, -0.013)),
    ("Spine1", "Spine", (0, 0.115, 0)),
    ("Neck", "Spine1", (0, 0.115, 0)),
    ("Neck1", "Neck", (0, 0.096, 0.012)),
    ("Head", "Neck1", (0, 0.097, -0.013)),
    ("LeftShoulder", "Spine1", (0, 0.115, 0)),
    ("LeftArm", "LeftShoulder", (0.19, 0.057, -0.021)),
    ("LeftForeArm", "LeftArm", (0.286, 0, 0)),
    ("LeftHand", "LeftForeArm", (0.203, 0, 0)),
    ("RightShoulder", "Spine1", (0, 0.115, 0)),
    ("RightArm", "RightShoulder", (-0.19, 0.057, -0.021)),
    ("RightForeArm", "RightArm", (-0.286, 0, 0)),
    ("RightHand", "RightForeArm", (-0.203, 0, 0)),
]
JOINTS = {"bandai": BANDAI_JOINTS, "mb": MB_JOINTS}


def write_packed(path: Path, kind: str, motion: Motion, *, fps: int = 30, clips=None) -> None:
    """Write a motion as if it had been captured on a foreign skeleton.

    The foreign joints take the world rotations of their partners seen from their natural pose, so
    limbs swing by the same angles from where they hang in a T-pose.
    """
    skeleton: SourceSkeleton = SKELETONS[kind]
    names = [name for name, _, _ in JOINTS[kind]]
    parents = [names.index(parent) if parent else -1 for _, parent, _ in JOINTS[kind]]
    partner_of = {
        source: joint for joint, source in skeleton.partners.items() if isinstance(source, str)
    }
    world, positions = forward_kinematics(
        motion.local_matrix(), motion.root_position, rest_offsets(), PARENTS
    )
    columns = []
    for name, parent in zip(names, parents, strict=True):
        if name in partner_of:
            natural = world[:, JOINT_INDEX[partner_of[name]]]
        else:
            natural = world[:, JOINT_INDEX["spine3"]]
        del parent
        columns.append(natural @ skeleton.reference_rotation(name))
    local = local_from_world(torch.stack(columns, dim=1), parents)
    rotvec = matrix_to_axis_angle(local).numpy()
    extra = {}
    if clips:
        extra = {"clips": np.array(list(clips)), "lengths": np.array(list(clips.values()))}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        fps=np.float32(fps),
        skeleton=np.array(kind),
        joint_names=np.array(names),
        parents=np.array(parents),
        offsets=np.array([offset for _, _, offset in JOINTS[kind]], dtype=np.float32),
        root=positions[:, 0].numpy(),
        rot=np.round(rotvec * 8192 / np.pi).astype(np.int16),
        **extra,
    )


def write_smplx(path: Path, motion: Motion) -> None:
    """Write a motion as the CC0 corpus stores it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pose = motion.full_pose.reshape(-1, 55, 3).numpy()
    np.savez(
        path,
        fps=np.float32(30),
        skeleton=np.array("smplx55"),
        joint_names=np.array(JOINT_NAMES),
        parents=np.array(PARENTS),
        offsets=rest_offsets().numpy() * (np.arange(55) > 0)[:, None],
        root=motion.root_position.numpy(),
        rot=np.round(pose * 8192 / np.pi).astype(np.int16),
    )


def make_bandai(folder: Path, motion: Motion, clips: dict[str, int]) -> None:
    """Write a corpus of walks; ``clips`` gives their frames, in order."""
    write_packed(folder / "motions" / "dataset-1_walk.npz", "bandai", motion, clips=clips)
    rows = [
        {
            "clip": name,
            "dataset": "dataset-1",
            "content": "walk",
            "style": "normal",
            "frames": frames,
            "seconds": frames / 30,
            "file": "motions/dataset-1_walk.npz",
            "split": "train",
        }
        for name, frames in clips.items()
    ]
    write_csv(folder / "clips.csv", rows)
    captions = {"walk|normal": ["a person walks and waves the left hand."]}
    (folder / "captions.json").write_text(json.dumps(captions), "utf-8")


def make_cc0(folder: Path, motion: Motion) -> None:
    """Write a corpus of two clips, one with fingers."""
    rows = []
    for clip, fingers in (("ual_idle", 1), ("kk_idle", 0)):
        write_smplx(folder / "motions" / f"{clip}.npz", motion)
        rows.append(
            {
                "clip": clip,
                "file": f"motions/{clip}.npz",
                "name": "Idle_Loop" if fingers else "Idle",
                "actions": "stand,idle",
                "fingers": fingers,
                "root_motion": "original",
                "looped": 1,
            }
        )
    write_csv(folder / "clips.csv", rows)
    captions = {row["clip"]: ["a person stands."] for row in rows}
    (folder / "captions.json").write_text(json.dumps(captions), "utf-8")


def make_cmu(folder: Path, motion: Motion, clips: list[dict]) -> None:
    """Write one trial (``motion`` is taken for 60 fps) with the given HumanML3D clips."""
    write_packed(folder / "motions" / "35_01.npz", "mb", motion, fps=60)
    trial = {
        "trial": "35_01",
        "subject": "35",
        "file": "motions/35_01.npz",
        "skeleton": "mb",
        "frames60": motion.num_frames,
        "description": "walk",
    }
    write_csv(folder / "trials.csv", [trial])
    rows = [{"trial": "35_01", "captions": [], **clip} for clip in clips]
    write_jsonl(folder / "clips.jsonl", rows)
    write_jsonl(folder / "trial_captions.jsonl", [{"trial": "35_01", "kitml": []}])


SAID = {
    "walk": (("a person walks forward", "une personne marche"),) * 2,
    "wave": (
        ("a person waves the left hand.", "une personne salue de la main gauche"),
        ("a person waves the right hand.", "une personne salue de la main droite"),
    ),
    "bow": (("someone bows", "quelqu'un s'incline"),) * 2,
}
"""What is said of a motion and of its mirror image, in English and French."""
PREPARED_CLIPS = (
    ("train", "walk", 70, 0.45),
    ("train", "walk", 64, 0.7),
    ("train", "wave", 50, 0.5),
    ("train", "wave", 41, 0.8),
    ("train", "bow", 45, 1.0),
    ("train", "walk", 20, 0.5),
    ("val", "walk", 60, 0.55),
    ("val", "wave", 40, 0.6),
    ("test", "bow", 40, 0.9),
)
"""Split, what happens, frames, seconds of half a cycle."""


def make_standing(num_frames: int, what: str, half_cycle_seconds: float) -> Motion:
    """Make somebody who stands and waves the left hand or bows."""
    stand = make_walk(1)
    pose = stand.full_pose.reshape(1, 55, 3).repeat(num_frames, 1, 1)
    phase = torch.arange(num_frames) / 30 * torch.pi / half_cycle_seconds
    if what == "wave":
        pose[:, JOINT_INDEX["left_shoulder"], 2] = 0.6
        pose[:, JOINT_INDEX["left_elbow"], 2] = 0.8 + 0.5 * torch.sin(phase)
    else:
        for joint in ("spine1", "spine2", "spine3"):
            pose[:, JOINT_INDEX[joint], 0] = 0.3 * (1 - torch.cos(phase))
    return Motion.from_full_pose(pose.flatten(1), stand.transl.repeat(num_frames, 1), source=what)


def write_prepared(
    folder: Path,
    name: str = "made",
    *,
    whole_body: bool = False,
    rows: Sequence[tuple[str, str, int, float]] = PREPARED_CLIPS,
) -> None:
    """Write what ``motion prepare`` gives for a corpus of walks, waves and bows.

    Args:
        folder: Where to write.
        name: Of the corpus.
        whole_body: Let fingers, jaw and expression move, too.
        rows: Split, what happens, frames and seconds of half a cycle of each clip.
    """
    parts = ("lower", "upper", "left_hand", "right_hand", "face")
    motions, clips, start = [], [], 0
    for number, (split, what, num_frames, seconds) in enumerate(rows):
        walking = what == "walk"
        motions.append(
            make_walk(num_frames, step_seconds=seconds)
            if walking
            else make_standing(num_frames, what, seconds)
        )
        plain, mirrored = (
            tuple(Caption(text, language) for text, language in zip(row, ("en", "fr"), strict=True))
            for row in SAID[what]
        )
        clips.append(
            ClipRecord(
                clip_id=f"{what}-{number}",
                corpus=name,
                start=start,
                num_frames=num_frames,
                split=split,
                parts=parts if whole_body else parts[:2],
                labels={"content": what},
                captions=plain,
                mirrored_captions=mirrored,
            )
        )
        start += num_frames
    pose = torch.cat([motion.full_pose for motion in motions])
    frames = {
        "body": pose[:, :BODY_WIDTH],
        "transl": torch.cat([motion.transl for motion in motions]),
    }
    if whole_body:
        wide = torch.arange(165 - BODY_WIDTH)
        cycle = torch.arange(start)[:, None] / 15
        frames["extra"] = 0.3 + 0.2 * torch.sin(cycle + wide)
        frames["expression"] = torch.sin(cycle + wide[:10])
    info = {"name": name, "format_version": FORMAT_VERSION, "num_clips": len(clips)}
    write_corpus_files(folder, frames, clips, info)


def write_csv(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def write_jsonl(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
