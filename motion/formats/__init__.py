"""Motion files that need no mesh, reading and writing side by side."""

from motion.formats.atomic import atomic_path
from motion.formats.npz import read_npz, write_npz, z_up_to_y_up

__all__ = ["atomic_path", "read_npz", "write_npz", "z_up_to_y_up"]
