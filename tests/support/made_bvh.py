"""Write BVH files of foreign skeletons, plainly and independently of the package's writer."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from motion.data.packed import read_packed


def write_foreign_bvh(path: Path, packed: Path, *, z_up: bool = False, prefix: str = "") -> None:
    """Write a packed motion as BVH in centimetres, channels Zrotation Yrotation Xrotation.

    Args:
        path: File to write.
        packed: Packed file of one skeleton.
        z_up: Turn everything so that z is up and the rest pose faces -y.
        prefix: Name space before each joint name.
    """
    motion = read_packed(packed).motion
    turn = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]) if z_up else np.eye(3)
    offsets = 100 * motion.offsets.numpy() @ turn.T
    root = 100 * motion.root.numpy() @ turn.T
    local = turn @ motion.local_matrix.numpy() @ turn.T
    order: list[int] = []
    lines = ["HIERARCHY"]

    def write_joint(joint: int, depth: int) -> None:
        pad = "\t" * depth
        order.append(joint)
        kind = "JOINT" if depth else "ROOT"
        place = "Xposition Yposition Zposition " if not depth else ""
        lines.append(f"{pad}{kind} {prefix}{motion.joint_names[joint]}")
        lines.append(pad + "{")
        lines.append(f"{pad}\tOFFSET " + " ".join(f"{x:.6f}" for x in offsets[joint]))
        count = 3 if depth else 6
        lines.append(f"{pad}\tCHANNELS {count} {place}Zrotation Yrotation Xrotation")
        children = [k for k, parent in enumerate(motion.parents) if parent == joint]
        for child in children:
            write_joint(child, depth + 1)
        if not children:
            lines.extend([f"{pad}\tEnd Site", pad + "\t{", f"{pad}\t\tOFFSET 0 0 1", pad + "\t}"])
        lines.append(pad + "}")

    write_joint(0, 0)
    lines += ["MOTION", f"Frames: {len(root)}", f"Frame Time: {1 / float(motion.fps):.6f}"]
    for frame in range(len(root)):
        numbers = list(root[frame])
        for joint in order:
            turned = Rotation.from_matrix(local[frame, joint])
            numbers += list(turned.as_euler("ZYX", degrees=True))
        lines.append(" ".join(f"{number:.5f}" for number in numbers))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")
