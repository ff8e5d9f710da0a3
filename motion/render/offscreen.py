"""Choose how pyrender draws without a screen: EGL (graphics card or llvmpipe), else OSMesa.

Run as a script (``python -P offscreen.py egl``) it opens a renderer and describes it as JSON; that
is how ``find_gl`` looks at drivers, because a broken one may kill the process that touches it.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from motion.errors import RenderError
from motion.optional import require

PLATFORM_VARIABLE = "PYOPENGL_PLATFORM"
"""PyOpenGL reads it once, at its first import; a value set by the user is respected."""

DEVICE_VARIABLE = "EGL_DEVICE_ID"
"""pyrender reads it with EGL; a value set by the user is respected."""

PLATFORMS: tuple[str, ...] = ("egl", "osmesa")
"""In order of preference."""

DEBIAN_PACKAGES = (
    "libosmesa6 libgl1 libxrender1, or libegl1 libegl-mesa0 libgl1-mesa-dri libxrender1"
)
_PROBE_SECONDS = 120.0
_MAX_DEVICES = 16


@dataclass(frozen=True, kw_only=True)
class GlStatus:
    """What this machine can draw with."""

    platform: str
    """``egl``, ``osmesa``, or empty when nothing opens."""
    renderer: str
    """What the driver calls itself, e.g. ``llvmpipe (LLVM 15.0.6, 256 bits)``."""
    version: str
    """OpenGL version string of the driver."""
    device: int = 0
    """Number of the EGL device that opened."""
    attempts: tuple[str, ...] = ()
    """One line for each platform that did not open."""

    @property
    def available(self) -> bool:
        """True when pictures can be made."""
        return bool(self.platform)

    def explain(self) -> str:
        """Say in one sentence what was found, or what to install."""
        if self.available:
            return f"{self.platform}: {self.renderer}, OpenGL {self.version}"
        return (
            f"no OpenGL without a screen on this machine ({'; '.join(self.attempts)}); on Debian "
            f"or Ubuntu install {DEBIAN_PACKAGES}; .glb, .html, .bvh and .npz files need no OpenGL"
        )


@cache
def find_gl() -> GlStatus:
    """Find a platform that opens, each tried in a process of its own; never raises."""
    wanted = os.environ.get(PLATFORM_VARIABLE, "").lower()
    attempts: list[str] = []
    for platform in (wanted,) if wanted else PLATFORMS:
        found = _probe(platform)
        if isinstance(found, GlStatus):
            return found
        attempts.append(f"{platform}: {found}")
    return GlStatus(platform="", renderer="", version="", attempts=tuple(attempts))


def has_multisampling() -> bool:
    """Say whether pyrender smooths edges here; with OSMesa it draws on the plain screen buffer."""
    return find_gl().platform != "osmesa"


def open_renderer(width: int, height: int) -> Any:
    """Open pyrender's ``OffscreenRenderer`` on the best platform of this machine.

    Args:
        width: Pixels.
        height: Pixels.

    Raises:
        RenderError: No platform opens; the message names the packages to install.
    """
    status = find_gl()
    if not status.available:
        raise RenderError(status.explain())
    os.environ[PLATFORM_VARIABLE] = status.platform
    os.environ[DEVICE_VARIABLE] = str(status.device)
    loaded = type(require("OpenGL.platform").PLATFORM).__name__.lower()
    if status.platform not in loaded:
        raise RenderError(
            f"PyOpenGL was imported before with {loaded}, so {status.platform} cannot be used any "
            f"more; set {PLATFORM_VARIABLE}={status.platform} before importing OpenGL or pyrender"
        )
    return require("pyrender").OffscreenRenderer(width, height)


def _probe(platform: str) -> GlStatus | str:
    """Describe what a fresh process gets on ``platform``; a string says why it got nothing."""
    if platform not in PLATFORMS:
        return f"{PLATFORM_VARIABLE} must be one of {', '.join(PLATFORMS)}"
    root = str(Path(__file__).parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH", "")])]
    environment = {
        **os.environ,
        PLATFORM_VARIABLE: platform,
        "PYTHONPATH": os.pathsep.join(paths),
    }
    # -P: without it this folder would come first and hide the standard module "html"
    command = [sys.executable, "-P", __file__, platform]
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the driver did not answer within {_PROBE_SECONDS:.0f} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return lines[-1] if lines else f"the driver ended the process (exit {done.returncode})"
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return GlStatus(platform=platform, **found)


def _describe(platform: str) -> int:
    """Open a renderer and write what it is as JSON; 1 with the reason on the error stream else."""
    os.environ[PLATFORM_VARIABLE] = platform
    given = os.environ.get(DEVICE_VARIABLE)
    devices = range(_MAX_DEVICES) if platform == "egl" and not given else (int(given or 0),)
    reason = ""
    for device in devices:
        os.environ[DEVICE_VARIABLE] = str(device)
        try:
            renderer = require("pyrender").OffscreenRenderer(8, 8)
            gl = require("OpenGL.GL")
            names = {"renderer": gl.GL_RENDERER, "version": gl.GL_VERSION}
            found = {key: gl.glGetString(name).decode() for key, name in names.items()}
            renderer.delete()
        except Exception as error:  # noqa: BLE001  (whatever the driver raises is the answer)
            first = (str(error).splitlines() or ["no reason given"])[0]
            reason = reason or f"{type(error).__name__}: {first}"
            continue
        sys.stdout.write(json.dumps({**found, "device": device}) + "\n")
        return 0
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(_describe(sys.argv[1]))
