"""Open an OpenGL context without a screen: EGL (graphics card or llvmpipe), else OSMesa.

Run as a script (``python -P offscreen.py egl``) it opens one context and describes it as JSON; that
is how ``find_gl`` looks at drivers, because a broken one may kill the process that touches it.
Keep this file free of heavy imports.
"""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from motion.errors import RenderError
from motion.optional import require

PLATFORM_VARIABLE = "PYOPENGL_PLATFORM"
"""PyOpenGL reads it once, at its first import; a value set by the user is respected."""

PLATFORMS: tuple[str, ...] = ("egl", "osmesa")
"""In order of preference."""

DEBIAN_PACKAGES = "libosmesa6 libgl1, or libegl1 libegl-mesa0 libgl1-mesa-dri"
_PROBE_SECONDS = 60.0
_EGL_PLATFORM_DEVICE_EXT = 0x313F  # EGL_EXT_platform_device
_EGL_PLATFORM_SURFACELESS_MESA = 0x31DD  # EGL_MESA_platform_surfaceless
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


@dataclass(frozen=True, kw_only=True)
class GlContext:
    """An open context, current on the thread that opened it; call ``close`` at the end."""

    platform: str
    close: Callable[[], None]


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


def open_context() -> GlContext:
    """Open the best context of this machine on this thread.

    Raises:
        RenderError: No platform opens; the message names the packages to install.
    """
    status = find_gl()
    if not status.available:
        raise RenderError(status.explain())
    os.environ[PLATFORM_VARIABLE] = status.platform
    return _open(status.platform)


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
    found: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return GlStatus(platform=platform, renderer=found["renderer"], version=found["version"])


def _open(platform: str) -> GlContext:
    module = require("OpenGL.platform")
    loaded = type(module.PLATFORM).__name__.lower()
    if platform not in loaded:
        raise RenderError(
            f"PyOpenGL was imported before with {loaded}, so {platform} cannot be used any more; "
            f"set {PLATFORM_VARIABLE}={platform} before importing OpenGL, pyrender or pyglet"
        )
    return _open_egl() if platform == "egl" else _open_osmesa()


def _open_osmesa() -> GlContext:
    osmesa = require("OpenGL.osmesa")
    wanted = (
        (osmesa.OSMESA_FORMAT, osmesa.OSMESA_RGBA),
        (osmesa.OSMESA_DEPTH_BITS, 24),
        (osmesa.OSMESA_PROFILE, osmesa.OSMESA_CORE_PROFILE),
        (osmesa.OSMESA_CONTEXT_MAJOR_VERSION, 3),
        (osmesa.OSMESA_CONTEXT_MINOR_VERSION, 3),
    )
    attributes = [number for pair in wanted for number in pair] + [0]
    context = osmesa.OSMesaCreateContextAttribs((ctypes.c_int * len(attributes))(*attributes), None)
    if not context:
        raise RenderError("OSMesa gave no OpenGL 3.3 context")
    buffer = (ctypes.c_ubyte * (4 * 4 * 4))()  # never drawn on: all drawing goes to framebuffers
    unsigned_byte = 0x1401
    if not osmesa.OSMesaMakeCurrent(context, buffer, unsigned_byte, 4, 4):
        osmesa.OSMesaDestroyContext(context)
        raise RenderError("OSMesa could not make its context current")

    def close(keep: object = buffer) -> None:
        osmesa.OSMesaDestroyContext(context)

    return GlContext(platform="osmesa", close=close)


def _open_egl() -> GlContext:
    egl = require("OpenGL.EGL")
    failures: list[str] = []
    for name, display in _egl_displays(egl):
        try:
            return _open_egl_display(egl, display)
        except (egl.EGLError, RenderError) as error:
            failures.append(f"{name}: {str(error).splitlines()[0]}")
    raise RenderError(f"no EGL display opens ({'; '.join(failures)})")


def _egl_displays(egl: Any) -> list[tuple[str, Any]]:
    """Give the graphics devices first, then Mesa's display without a surface, then the default."""
    displays: list[tuple[str, Any]] = []
    query = _egl_function(egl, b"eglQueryDevicesEXT", ctypes.c_uint)
    display_of = _egl_function(egl, b"eglGetPlatformDisplayEXT", egl.EGLDisplay)
    if display_of is not None:
        devices = (ctypes.c_void_p * _MAX_DEVICES)()
        count = ctypes.c_int(0)
        if query is not None:
            query(ctypes.c_int(_MAX_DEVICES), devices, ctypes.byref(count))
        for index in range(count.value):
            device = ctypes.c_void_p(devices[index])
            found = display_of(ctypes.c_uint(_EGL_PLATFORM_DEVICE_EXT), device, None)
            displays.append((f"device {index}", found))
        found = display_of(ctypes.c_uint(_EGL_PLATFORM_SURFACELESS_MESA), None, None)
        displays.append(("surfaceless", found))
    displays.append(("default", egl.eglGetDisplay(egl.EGL_DEFAULT_DISPLAY)))
    return displays


def _egl_function(egl: Any, name: bytes, result: Any) -> Callable[..., Any] | None:
    address = egl.eglGetProcAddress(name)
    pointer = ctypes.cast(address, ctypes.c_void_p).value
    if not pointer:
        return None
    function: Callable[..., Any] = ctypes.CFUNCTYPE(result)(pointer)
    return function


def _open_egl_display(egl: Any, display: Any) -> GlContext:
    major, minor = egl.EGLint(), egl.EGLint()
    if not egl.eglInitialize(display, major, minor):
        raise RenderError("the display does not open")
    wanted = (
        *(egl.EGL_SURFACE_TYPE, egl.EGL_PBUFFER_BIT),
        *(egl.EGL_RENDERABLE_TYPE, egl.EGL_OPENGL_BIT),
        egl.EGL_NONE,
    )
    configs, count = (egl.EGLConfig * 1)(), egl.EGLint()
    egl.eglChooseConfig(display, (egl.EGLint * len(wanted))(*wanted), configs, 1, count)
    if count.value < 1:
        raise RenderError("the display has no OpenGL configuration")
    egl.eglBindAPI(egl.EGL_OPENGL_API)
    version = (
        *(egl.EGL_CONTEXT_MAJOR_VERSION, 3),
        *(egl.EGL_CONTEXT_MINOR_VERSION, 3),
        *(egl.EGL_CONTEXT_OPENGL_PROFILE_MASK, egl.EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT),
        egl.EGL_NONE,
    )
    attributes = (egl.EGLint * len(version))(*version)
    context = egl.eglCreateContext(display, configs[0], egl.EGL_NO_CONTEXT, attributes)
    size = (egl.EGLint * 5)(egl.EGL_WIDTH, 4, egl.EGL_HEIGHT, 4, egl.EGL_NONE)
    surface = egl.eglCreatePbufferSurface(display, configs[0], size)
    if not egl.eglMakeCurrent(display, surface, surface, context):
        raise RenderError("the context cannot be made current")

    def close() -> None:
        egl.eglMakeCurrent(display, egl.EGL_NO_SURFACE, egl.EGL_NO_SURFACE, egl.EGL_NO_CONTEXT)
        egl.eglDestroySurface(display, surface)
        egl.eglDestroyContext(display, context)

    return GlContext(platform="egl", close=close)


def _describe(platform: str) -> int:
    """Open a context and write what it is as JSON; 1 with the reason on the error stream else."""
    os.environ[PLATFORM_VARIABLE] = platform
    try:
        context = _open(platform)
        gl = require("OpenGL.GL")
        names = {"renderer": gl.GL_RENDERER, "version": gl.GL_VERSION}
        found = {key: gl.glGetString(name).decode() for key, name in names.items()}
        context.close()
    except Exception as error:  # noqa: BLE001  (whatever the driver raises is the answer)
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        sys.stderr.write(f"{type(error).__name__}: {reason}\n")
        return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_describe(sys.argv[1]))
