"""``Painter``: a mesh (one body, or several as one) on a floor, with soft light and shadows.

Why not a scene-graph renderer: on llvmpipe at 1280x720 a picture with four samples a pixel on the
body and a soft shadow takes 45-70 ms of CPU time here; pyrender takes 90-108 ms with four samples
and no shadow, and about twice that with its hard one.

Axis letters: ``F`` faces, ``H``/``W`` picture rows and columns.
"""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from motion.optional import require
from motion.render import shaders
from motion.render.camera import direction, look_at
from motion.render.gl import Program, VertexArray, make_canvas, make_samplers
from motion.render.offscreen import open_context

SUPERSAMPLING = 2
SHADOW_SIZE = 768
"""Width and height of the shadow map, pixels: about 3 mm each for one person."""

MASK_SIZE = 256
"""Width and height of the picture of the floor's darkness, pixels: about 1 cm each."""

MAX_BLOBS = 220
"""Joints that darken the floor around them; a limit of the shader's array."""

_GAMMA = 2.2
_LIGHT_STEP = 0.25  # metres: the shadow map's span moves in steps, so that its edges keep quiet
_LIGHT_MARGIN = 0.1  # metres around the bodies
_SHADOW_MARGIN = 0.35  # metres of floor around the shadow's box


def srgb(*channels: int) -> tuple[float, ...]:
    """Linear colour of sRGB bytes."""
    return tuple(float((channel / 255) ** _GAMMA) for channel in channels)


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colours (linear) and lights of the stage; azimuths are radians left of the camera."""

    horizon: tuple[float, ...] = srgb(233, 239, 246)
    zenith: tuple[float, ...] = srgb(150, 186, 224)
    tile_light: tuple[float, ...] = srgb(222, 226, 231)
    tile_dark: tuple[float, ...] = srgb(206, 212, 220)
    shadow: tuple[float, ...] = srgb(52, 60, 84)
    sun: tuple[float, float] = (np.radians(-48.0), np.radians(52.0))
    """Azimuth and elevation of the key light, radians, relative to the camera's azimuth."""
    fill: tuple[float, float] = (np.radians(60.0), np.radians(20.0))
    rim: tuple[float, float] = (np.radians(155.0), np.radians(35.0))


@dataclass(frozen=True, kw_only=True)
class View:
    """What one picture needs to know beside the bodies."""

    world_to_clip: Float[NDArray[np.float64], "4 4"]
    eye: Float[NDArray[np.float64], "3"]
    target: Float[NDArray[np.float64], "3"]
    azimuth: float
    """Direction from which the camera looks, radians from +z towards +x; lights go with it."""
    floor_height: float = 0.0
    blobs: Float[NDArray[np.float64], "N 4"] = field(default_factory=lambda: np.zeros((0, 4)))
    """Spheres (centre, radius; metres) that darken the floor near them: joints."""


class Painter:
    """Draws meshes of one topology; keep it for a whole clip and close it (or use ``with``)."""

    def __init__(
        self,
        width: int,
        height: int,
        faces: Int[NDArray[np.integer], "F 3"],
        colors: Float[NDArray[np.float32], "V 3"],
        *,
        look: Look | None = None,
        detail: int = 1,
    ) -> None:
        """Open a context and prepare everything that stays.

        Args:
            width: Picture width, pixels.
            height: Picture height, pixels.
            faces: Triangles.
            colors: Linear colour of each vertex, 0 to 1.
            look: Colours and lights.
            detail: How much finer shadows are than what one person needs.
        """
        self._look = look or Look()
        self._context = open_context()
        gl = self._gl = require("OpenGL.GL")
        masker = shaders.MASK_FRAGMENT % {"max_blobs": MAX_BLOBS}
        self._backdrop = Program(gl, shaders.SCREEN_VERTEX, shaders.BACKDROP_FRAGMENT)
        self._floor = Program(gl, shaders.FLOOR_VERTEX, shaders.FLOOR_SHADOW_FRAGMENT)
        self._masker = Program(gl, shaders.SCREEN_VERTEX, masker)
        self._depth = Program(gl, shaders.DEPTH_VERTEX, shaders.DEPTH_FRAGMENT)
        self._body = Program(gl, shaders.BODY_VERTEX, shaders.BODY_FRAGMENT)
        self._blend = Program(gl, shaders.SCREEN_VERTEX, shaders.BLEND_FRAGMENT)
        self._picture = make_canvas(gl, width, height, depth=False)
        self._empty = make_canvas(gl, width, height, depth=False)
        self._seen = b""
        self._people = make_canvas(gl, SUPERSAMPLING * width, SUPERSAMPLING * height)
        shadow, mask = SHADOW_SIZE * detail, MASK_SIZE * detail
        self._shadow = make_canvas(gl, shadow, shadow, colour=False)
        self._mask = make_canvas(gl, mask, mask, depth=False)
        self._samplers = make_samplers(gl)
        self._mesh = VertexArray(gl, 3, np.asarray(faces, dtype=np.uint32))
        self._mesh.fill(2, colors)
        self._patch = VertexArray(gl, 1)
        self._screen = VertexArray(gl, 0)
        gl.glFrontFace(gl.GL_CW)  # clip space is upside down, see shaders.py
        gl.glDepthFunc(gl.GL_LESS)

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Free everything on the graphics side and the context."""
        programs = (self._backdrop, self._masker, self._floor, self._depth, self._body, self._blend)
        for program in programs:
            program.close()
        for canvas in (self._picture, self._empty, self._people, self._shadow, self._mask):
            canvas.close()
        for array in (self._mesh, self._patch, self._screen):
            array.close()
        self._gl.glDeleteSamplers(len(self._samplers), list(self._samplers))
        self._context.close()

    def draw(
        self,
        vertices: Float[NDArray[np.float32], "V 3"],
        normals: Float[NDArray[np.float32], "V 3"],
        view: View,
    ) -> UInt8[NDArray[np.uint8], "H W 4"]:
        """Paint the mesh; rows from the top, the fourth channel is 255."""
        stage = self._arrange(vertices, view)
        self._mesh.fill(0, vertices)
        self._mesh.fill(1, normals)
        self._draw_depth(stage)
        self._draw_people(stage)
        self._draw_mask(stage)
        self._draw_stage(stage)
        self._draw_blend(stage)
        return self._picture.read()

    def _arrange(self, vertices: Float[NDArray[np.float32], "V 3"], view: View) -> "_Stage":
        look = self._look
        flip = np.diag([1.0, -1.0, 1.0, 1.0])
        world_to_clip = flip @ view.world_to_clip
        sun, fill, rim = (
            direction(view.azimuth + azimuth, elevation)
            for azimuth, elevation in (look.sun, look.fill, look.rim)
        )
        scene = {
            "eye": view.eye,
            "focus": view.target,
            "floor_height": view.floor_height,
            "sun": sun,
            "horizon": look.horizon,
            "zenith": look.zenith,
        }
        return _Stage(
            vertices=vertices,
            view=view,
            world_to_clip=world_to_clip,
            light=fit_light(vertices, sun, view.floor_height, self._shadow.width),
            scene=scene,
            lights={"fill": fill, "rim": rim},
            patch=_shadow_patch(vertices, sun, view.floor_height),
            box=_pixel_box(vertices, world_to_clip, self._picture.width, self._picture.height),
        )

    def _draw_depth(self, stage: "_Stage") -> None:
        """See the mesh from the key light."""
        gl = self._gl
        self._shadow.bind()
        gl.glEnable(gl.GL_DEPTH_TEST)
        gl.glClear(gl.GL_DEPTH_BUFFER_BIT)
        to_clip = np.diag([2.0, 2.0, 2.0, 1.0])
        to_clip[:3, 3] = -1.0
        self._depth.use(world_to_clip=to_clip @ stage.light.matrix)
        self._mesh.draw()
        for unit, sampler in enumerate(self._samplers):
            gl.glActiveTexture(gl.GL_TEXTURE0 + unit)
            gl.glBindTexture(gl.GL_TEXTURE_2D, self._shadow.depth)
            gl.glBindSampler(unit, sampler)

    def _draw_people(self, stage: "_Stage") -> None:
        """Draw the mesh at twice the size, only where it is."""
        gl = self._gl
        self._people.bind()
        gl.glEnable(gl.GL_SCISSOR_TEST)
        gl.glScissor(*(SUPERSAMPLING * edge for edge in stage.box))
        gl.glClearColor(0.0, 0.0, 0.0, 0.0)
        gl.glClear(gl.GL_COLOR_BUFFER_BIT | gl.GL_DEPTH_BUFFER_BIT)
        self._body.use(
            world_to_clip=stage.world_to_clip,
            world_to_light=stage.light.matrix,
            light_span=stage.light.span,
            shadow_map=1,
            **stage.scene,
            **stage.lights,
        )
        gl.glEnable(gl.GL_CLIP_DISTANCE0)
        self._mesh.draw()
        gl.glDisable(gl.GL_CLIP_DISTANCE0)
        gl.glDisable(gl.GL_SCISSOR_TEST)
        gl.glDisable(gl.GL_DEPTH_TEST)

    def _draw_mask(self, stage: "_Stage") -> None:
        """Find how dark each point of the floor around the mesh is."""
        blobs = stage.view.blobs[:MAX_BLOBS]
        self._mask.bind()
        self._masker.use(
            world_to_light=stage.light.matrix,
            light_span=stage.light.span,
            light_depth=stage.light.depth,
            depth_map=0,
            shadow_map=1,
            num_blobs=len(blobs),
            **stage.patch,
        )
        if len(blobs):
            self._masker.use(blobs=blobs)
        self._screen.draw()

    def _draw_backdrop(self, stage: "_Stage") -> None:
        """Draw sky and floor, or take them from the picture before when the camera stood still."""
        look = self._look
        seen = stage.world_to_clip.tobytes() + bytes(str(stage.view.floor_height), "ascii")
        if seen != self._seen:
            self._empty.bind()
            self._backdrop.use(
                clip_to_world=np.linalg.inv(stage.world_to_clip),
                tile_light=look.tile_light,
                tile_dark=look.tile_dark,
                **stage.scene,
            )
            self._screen.draw()
            self._seen = seen
        self._empty.copy_to(self._picture)
        self._picture.bind()

    def _draw_stage(self, stage: "_Stage") -> None:
        """Draw sky and floor, then the shadow on the part of the floor that has one."""
        gl, look = self._gl, self._look
        self._draw_backdrop(stage)
        low, size = stage.patch["patch_corner"], stage.patch["patch_size"]
        strip = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1]])
        self._patch.fill(0, (low + strip * size).astype(np.float32))
        gl.glActiveTexture(gl.GL_TEXTURE0)
        gl.glBindSampler(0, 0)
        gl.glBindTexture(gl.GL_TEXTURE_2D, self._mask.colour)
        gl.glEnable(gl.GL_BLEND)
        gl.glBlendFunc(gl.GL_SRC_ALPHA, gl.GL_ONE_MINUS_SRC_ALPHA)
        self._floor.use(
            world_to_clip=stage.world_to_clip,
            mask=0,
            mask_texel=1.0 / self._mask.width,
            shadow_colour=look.shadow,
            **stage.scene,
            **stage.patch,
        )
        self._patch.draw(4)

    def _draw_blend(self, stage: "_Stage") -> None:
        """Lay the people over the stage."""
        gl = self._gl
        gl.glEnable(gl.GL_SCISSOR_TEST)
        gl.glScissor(*stage.box)
        gl.glBindTexture(gl.GL_TEXTURE_2D, self._people.colour)
        gl.glBlendFunc(gl.GL_ONE, gl.GL_ONE_MINUS_SRC_ALPHA)
        self._blend.use(people=0)
        self._screen.draw()
        gl.glDisable(gl.GL_SCISSOR_TEST)
        gl.glDisable(gl.GL_BLEND)


@dataclass(frozen=True, kw_only=True)
class Light:
    """The key light's orthographic view."""

    matrix: Float[NDArray[np.float64], "4 4"]
    """World to the unit cube."""
    span: float
    """Width and height of its view, metres."""
    depth: float
    """From its near to its far plane, metres."""


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """Everything one picture is made of."""

    vertices: Float[NDArray[np.float32], "V 3"]
    view: View
    world_to_clip: Float[NDArray[np.float64], "4 4"]
    light: Light
    scene: dict[str, Any]
    lights: dict[str, Any]
    patch: dict[str, Any]
    box: tuple[int, int, int, int]


def fit_light(
    vertices: Float[NDArray[np.float32], "V 3"],
    sun: Float[NDArray[np.float64], "3"],
    floor_height: float,
    size: int,
) -> Light:
    """Fit the light's view to the mesh and to the floor its shadow falls on.

    Span and place move in steps (``_LIGHT_STEP``, whole texels): otherwise edges would crawl.
    """
    view = look_at(sun, np.zeros(3))
    local = vertices.astype(np.float64) @ view[:3, :3].T
    low, high = local.min(0), local.max(0)
    span = float((high - low)[:2].max()) + 2 * _LIGHT_MARGIN
    span = float(np.ceil(span / _LIGHT_STEP) * _LIGHT_STEP)
    texel = span / size
    centre = np.round((low + high)[:2] / 2 / texel) * texel
    # A ray that passes the mesh goes on to the floor: the far plane lies behind that point.
    drop = float(vertices[:, 1].max() - floor_height) / float(sun[1])
    near, far = float(high[2]) + _LIGHT_MARGIN, float(low[2]) - max(drop, 0.0) - _LIGHT_MARGIN
    depth = near - far
    scale = np.diag([1 / span, 1 / span, -1 / depth, 1.0])
    scale[:3, 3] = 0.5 - centre[0] / span, 0.5 - centre[1] / span, near / depth
    return Light(matrix=scale @ view, span=span, depth=depth)


def _shadow_patch(
    vertices: Float[NDArray[np.float32], "V 3"],
    sun: Float[NDArray[np.float64], "3"],
    floor_height: float,
) -> dict[str, Any]:
    """Place the rectangle of floor that the mesh may darken, in steps so that it keeps quiet."""
    height = np.maximum(vertices[:, 1] - floor_height, 0.0)
    thrown = vertices[:, [0, 2]] - height[:, None] * (sun[[0, 2]] / sun[1])
    flat = np.concatenate([thrown, vertices[:, [0, 2]]])
    low, high = flat.min(0) - _SHADOW_MARGIN, flat.max(0) + _SHADOW_MARGIN
    size = np.ceil((high - low) / _LIGHT_STEP) * _LIGHT_STEP
    texel = size / MASK_SIZE  # a finer mask has texels that divide this
    corner = np.round(((low + high) / 2 - size / 2) / texel) * texel
    return {
        "patch_corner": np.array([corner[0], floor_height, corner[1]]),
        "patch_size": np.array([size[0], 0.0, size[1]]),
    }


def _pixel_box(
    vertices: Float[NDArray[np.float32], "V 3"],
    world_to_clip: Float[NDArray[np.float64], "4 4"],
    width: int,
    height: int,
) -> tuple[int, int, int, int]:
    """Left, bottom, width and height (pixels) of the mesh in the picture; all of it when unsure."""
    clip = vertices @ world_to_clip[:3, :3].T.astype(np.float32)
    whole = vertices @ world_to_clip[3, :3].astype(np.float32) + np.float32(world_to_clip[3, 3])
    if whole.min() <= 0.0:  # behind the eye
        return 0, 0, width, height
    flat = (clip[:, :2] + world_to_clip[:2, 3].astype(np.float32)) / whole[:, None]
    size = np.array([width, height])
    corners = (np.stack([flat.min(0), flat.max(0)]) * 0.5 + 0.5) * size
    low = np.clip(np.floor(corners[0]) - 2, 0, size - 1).astype(int)
    high = np.clip(np.ceil(corners[1]) + 2, low + 1, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])
