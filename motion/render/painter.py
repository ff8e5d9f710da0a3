"""``Painter``: a mesh (one body, or several as one) on a tiled floor, drawn by pyrender.

One key light throws pyrender's shadow; fill and rim are distant point lights, as each directional
light would get a shadow pass of its own. The floor is a disc that fades into the background: each
pixel of it costs 36 looks into the shadow map. Joints darken it where they are near.

Faces are turned inside out, and a camera that sees the world upside down turns them back. So the
shadow pass, which skips faces turned away, keeps the far side of limbs and nothing of the floor:
neither skin nor floor shades itself in stripes, as they do with pyrender's own bias.

Axis letters: ``F`` faces, ``N`` joints that darken the floor, ``P`` points of the floor,
``H``/``W`` picture rows and columns.
"""

from dataclasses import dataclass, field
from threading import RLock
from types import TracebackType
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from motion.optional import require
from motion.render.camera import Lens, direction, look_at
from motion.render.offscreen import has_multisampling, open_renderer

MAX_SIDE = 8192
"""Longest side of what is drawn before it is reduced, pixels."""

FLOOR_FADE = (0.5, 2.1)
"""The floor starts to fade and ends this far (metres) outside of ``View.floor_radius``."""

_TILE = 0.5  # metres
_TILE_PIXELS = 128
_FLOOR_STEP = 0.08  # metres between the floor's lines where joints may darken it
_FLOOR_MARGIN = 0.25  # metres of fine lines around the joints
_COARSE_LINES = 12
_LIGHT_DISTANCE = 40.0  # metres to the point lights: nearly parallel rays
_OPEN = RLock()  # pyrender ends the whole EGL display with one renderer: one thread at a time


def srgb(*channels: int) -> tuple[float, ...]:
    """Linear colour of sRGB bytes."""
    return tuple(float((channel / 255) ** 2.2) for channel in channels)


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colours (linear) and lights; a light is (azimuth left of the camera, elevation), radians."""

    horizon: tuple[float, ...] = srgb(228, 234, 241)
    zenith: tuple[float, ...] = srgb(150, 184, 220)
    tile_light: tuple[float, ...] = srgb(196, 199, 204)
    tile_dark: tuple[float, ...] = srgb(181, 186, 194)
    ambient: tuple[float, ...] = (0.41, 0.42, 0.45)
    key: tuple[float, float] = (np.radians(-48.0), np.radians(52.0))
    key_color: tuple[float, ...] = (1.0, 0.96, 0.90)
    key_strength: float = 3.0
    fill: tuple[float, float] = (np.radians(60.0), np.radians(20.0))
    fill_color: tuple[float, ...] = (0.86, 0.92, 1.0)
    fill_strength: float = 0.9
    rim: tuple[float, float] = (np.radians(155.0), np.radians(35.0))
    rim_strength: float = 1.2


@dataclass(frozen=True, kw_only=True)
class View:
    """What one picture needs to know beside the bodies."""

    eye: Float[NDArray[np.float64], "3"]
    target: Float[NDArray[np.float64], "3"]
    lens: Lens
    azimuth: float
    """Direction from which the camera looks, radians from +z towards +x; lights go with it."""
    floor_height: float = 0.0
    floor_radius: float = 0.8
    """Of the part around the target that is seen clearly, metres."""
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
        supersampling: int = 1,
    ) -> None:
        """Open a renderer and prepare everything that stays.

        Args:
            width: Picture width, pixels.
            height: Picture height, pixels.
            faces: Triangles.
            colors: Linear colour of each vertex, 0 to 1.
            look: Colours and lights.
            supersampling: Draw this much larger and average; at least 2 without multisampling.

        Raises:
            RenderError: This machine cannot draw; the message names the packages to install.
        """
        self._look = look = look or Look()
        wanted = supersampling if has_multisampling() else max(2, supersampling)
        self._factor = max(1, min(wanted, MAX_SIDE // max(width, height)))
        _OPEN.acquire()
        try:
            self._renderer = open_renderer(self._factor * width, self._factor * height)
        except BaseException:
            _OPEN.release()
            raise
        pyrender = self._pyrender = require("pyrender")
        self._faces, self._colors = np.ascontiguousarray(faces[:, ::-1]), colors
        self._scene = pyrender.Scene(
            bg_color=np.array([*_display(look.horizon), 1.0]), ambient_light=np.array(look.ambient)
        )
        self._camera = self._scene.add(pyrender.IntrinsicsCamera(1.0, 1.0, 0.0, 0.0))
        self._lights = [(self._scene.add(light), place) for light, place in self._make_lights()]
        self._skin = pyrender.MetallicRoughnessMaterial(
            baseColorFactor=[1.0, 1.0, 1.0, 1.0], metallicFactor=0.0, roughnessFactor=0.65
        )
        self._tiles = pyrender.MetallicRoughnessMaterial(
            baseColorTexture=pyrender.Texture(source=_tiles(look), source_channels="RGB"),
            metallicFactor=0.0,
            roughnessFactor=1.0,
            alphaMode="BLEND",
        )

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
        try:
            self._renderer.delete()
        finally:
            _OPEN.release()

    def draw(
        self,
        vertices: Float[NDArray[np.float32], "V 3"],
        normals: Float[NDArray[np.float32], "V 3"],
        view: View,
    ) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Paint the mesh; rows from the top."""
        pyrender, scene = self._pyrender, self._scene
        people = pyrender.Primitive(
            vertices, normals, color_0=self._colors, indices=self._faces, material=self._skin
        )
        self._aim(view)
        passing = [scene.add(pyrender.Mesh([people])), self._add_floor(view)]
        picture, depth = self._renderer.render(scene, pyrender.RenderFlags.SHADOWS_DIRECTIONAL)
        for node in passing:
            scene.remove_node(node)
        return _reduce(self._with_sky(picture[::-1], depth[::-1] == 0.0, view), self._factor)

    def _make_lights(self) -> list[tuple[Any, tuple[float, float]]]:
        pyrender, look = self._pyrender, self._look
        key = pyrender.DirectionalLight(np.array(look.key_color), look.key_strength)
        square = _LIGHT_DISTANCE**2  # light falls off with it
        fill = pyrender.PointLight(np.array(look.fill_color), look.fill_strength * square)
        rim = pyrender.PointLight(np.ones(3), look.rim_strength * square)
        return [(key, look.key), (fill, look.fill), (rim, look.rim)]

    def _aim(self, view: View) -> None:
        """Place camera and lights; the camera sees the world upside down (see above)."""
        camera, renderer = self._camera.camera, self._renderer
        camera.cx, camera.cy = renderer.viewport_width / 2, renderer.viewport_height / 2
        horizontal, vertical = view.lens.slopes
        camera.fx, camera.fy = camera.cx / horizontal, -camera.cy / vertical
        distance = float(np.linalg.norm(view.eye - view.target))
        camera.znear, camera.zfar = 0.05 * distance, 20.0 * distance
        self._scene.set_pose(self._camera, np.linalg.inv(look_at(view.eye, view.target)))
        for node, (azimuth, elevation) in self._lights:
            towards = direction(view.azimuth + azimuth, elevation)
            place = view.target + _LIGHT_DISTANCE * towards
            self._scene.set_pose(node, np.linalg.inv(look_at(place, view.target)))

    def _add_floor(self, view: View) -> Any:
        """Add the floor around the target, its lines along the picture."""
        pose = np.eye(4)
        pose[:3, 0] = np.cos(view.azimuth), 0.0, -np.sin(view.azimuth)
        pose[:3, 2] = direction(view.azimuth, 0.0)
        pose[:3, 3] = view.target[0], view.floor_height, view.target[2]
        blobs = view.blobs.copy()
        blobs[:, :3] = (blobs[:, :3] - pose[:3, 3]) @ pose[:3, :3]
        start, end = (view.floor_radius + fade for fade in FLOOR_FADE)
        across, along = _lines(blobs[:, 0], end), _lines(blobs[:, 2], end)
        points = np.stack(np.meshgrid(across, 0.0, along), axis=-1).reshape(-1, 3)
        world = points @ pose[:3, :3].T + pose[:3, 3]
        gone = np.clip((np.linalg.norm(points, axis=1) - start) / (end - start), 0.0, 1.0)
        colors = np.ones((len(points), 4))
        colors[:, :3] = _openness(points, blobs)[:, None]
        colors[:, 3] = 1.0 - gone**2 * (3.0 - 2.0 * gone)
        faces = _quads(len(across), len(along))
        floor = self._pyrender.Primitive(
            positions=points,
            normals=np.tile([0.0, 1.0, 0.0], (len(points), 1)),
            texcoord_0=world[:, [0, 2]] / (2 * _TILE),
            color_0=colors,
            indices=faces[(gone[faces] < 1.0).any(axis=1)],
            material=self._tiles,
        )
        return self._scene.add(self._pyrender.Mesh([floor]), pose=pose)

    def _with_sky(
        self,
        picture: UInt8[NDArray[np.uint8], "H W 3"],
        empty: NDArray[np.bool_],
        view: View,
    ) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Lay the gradient over what nothing covers; it starts with the background's colour."""
        towards = look_at(view.eye, view.target)[:3]
        rows = np.linspace(1.0, -1.0, len(picture)) * view.lens.slopes[1]
        rays = rows[:, None] * towards[1] - towards[2]
        height = rays[:, 1] / np.linalg.norm(rays, axis=1)
        part = np.clip(height / 0.35, 0.0, 1.0)[:, None]
        horizon, zenith = _display(self._look.horizon), _display(self._look.zenith)
        change = np.round(255 * part**2 * (3 - 2 * part) * (zenith - horizon)).astype(np.int16)
        above = int(np.count_nonzero(change.any(axis=1)))  # rows; they lie at the top
        sky = picture[:above] + empty[:above, :, None] * change[:above, None]
        return np.concatenate([np.clip(sky, 0, 255).astype(np.uint8), picture[above:]])


def _display(linear: tuple[float, ...]) -> NDArray[np.float64]:
    """Display values, 0 to 1, of a linear colour: pyrender shows it with the same power."""
    return np.power(linear, 1 / 2.2)


def _tiles(look: Look) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Paint two by two tiles with a faint seam."""
    light, dark = (np.round(255 * _display(c)) for c in (look.tile_light, look.tile_dark))
    picture = np.zeros((2 * _TILE_PIXELS, 2 * _TILE_PIXELS, 3))
    odd = np.arange(2 * _TILE_PIXELS) // _TILE_PIXELS
    picture[:] = np.where((odd[:, None] ^ odd)[..., None] == 1, light, dark)
    seam = np.arange(2 * _TILE_PIXELS) % _TILE_PIXELS < 2
    picture[seam[:, None] | seam] *= 0.93
    return picture.astype(np.uint8)


def _lines(places: Float[NDArray[np.float64], " N"], end: float) -> NDArray[np.float64]:
    """Coordinates of grid lines from ``-end`` to ``end``: close ones around ``places``."""
    coarse = np.linspace(-end, end, _COARSE_LINES)
    if not len(places):
        return coarse
    low, high = places.min() - _FLOOR_MARGIN, places.max() + _FLOOR_MARGIN
    fine = np.arange(max(low, -end), min(high, end), _FLOOR_STEP)
    return np.sort(np.concatenate([coarse[(coarse < low) | (coarse > high)], fine]))


def _quads(rows: int, columns: int) -> Int[NDArray[np.int64], "F 3"]:
    """Triangles of a grid that face down."""
    corner = np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)
    halves = np.array([[0, columns, 1], [1, columns, columns + 1]])
    return np.asarray((corner[..., None, None] + halves).reshape(-1, 3))


def _openness(
    points: Float[NDArray[np.float64], "P 3"], blobs: Float[NDArray[np.float64], "N 4"]
) -> Float[NDArray[np.float64], " P"]:
    """How much of the sky points of the floor see past spheres, 0 to 1.

    After Inigo Quilez, "sphere ambient occlusion".
    """
    way = (blobs[None, :, :3] - points[:, None]).astype(np.float32)
    square = (way**2).sum(-1) + 1e-4
    hidden = np.clip(way[..., 1], 0.0, None) / (square * np.sqrt(square)) * blobs[:, 3] ** 2
    return np.asarray(np.prod(1.0 - np.clip(hidden, 0.0, 0.85), axis=1))


def _reduce(
    picture: UInt8[NDArray[np.uint8], "H2 W2 3"], step: int
) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Average blocks of ``step`` x ``step`` pixels."""
    if step == 1:
        return picture
    total = sum(
        picture[row::step, column::step].astype(np.uint16)
        for row in range(step)
        for column in range(step)
    )
    return np.asarray((total + step * step // 2) // (step * step), dtype=np.uint8)
