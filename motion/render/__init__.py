"""What needs the mesh: films, stills, glb and pages; ``write_motion`` picks by suffix."""

from motion.render.glb import write_glb
from motion.render.html import write_html
from motion.render.offscreen import GlStatus, find_gl
from motion.render.staging import PictureConfig
from motion.render.stills import FilmstripConfig, write_filmstrip, write_png
from motion.render.video import VideoConfig, write_mp4
from motion.render.writing import MOTION_SUFFIXES, write_motion

__all__ = [
    "MOTION_SUFFIXES",
    "FilmstripConfig",
    "GlStatus",
    "PictureConfig",
    "VideoConfig",
    "find_gl",
    "write_filmstrip",
    "write_glb",
    "write_html",
    "write_motion",
    "write_mp4",
    "write_png",
]
