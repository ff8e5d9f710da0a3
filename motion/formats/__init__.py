"""Motion files that need no mesh, reading and writing side by side."""

from motion.formats.atomic import atomic_path

__all__ = ["atomic_path"]
