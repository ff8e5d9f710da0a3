"""What needs the mesh: films, stills, GLB characters and pages with a viewer."""

from motion.render.glb import write_glb

__all__ = ["write_glb"]
