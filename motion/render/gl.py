"""Thin layer over PyOpenGL: programs, framebuffers and vertex buffers that free themselves."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motion.errors import RenderError


class Program:
    """A compiled vertex and fragment shader with its uniforms by name."""

    def __init__(self, gl: ModuleType, vertex: str, fragment: str) -> None:
        """Compile and link.

        Raises:
            RenderError: The driver refuses the shader; the message holds its log.
        """
        self._gl = gl
        self.handle = gl.glCreateProgram()
        for kind, source in ((gl.GL_VERTEX_SHADER, vertex), (gl.GL_FRAGMENT_SHADER, fragment)):
            shader = gl.glCreateShader(kind)
            gl.glShaderSource(shader, source)
            gl.glCompileShader(shader)
            if not gl.glGetShaderiv(shader, gl.GL_COMPILE_STATUS):
                log = gl.glGetShaderInfoLog(shader)
                raise RenderError(f"the OpenGL driver refuses a shader: {log!r}")
            gl.glAttachShader(self.handle, shader)
            gl.glDeleteShader(shader)
        gl.glLinkProgram(self.handle)
        if not gl.glGetProgramiv(self.handle, gl.GL_LINK_STATUS):
            log = gl.glGetProgramInfoLog(self.handle)
            raise RenderError(f"the OpenGL driver refuses a program: {log!r}")
        self._places: dict[str, int] = {}

    def use(self, **uniforms: Any) -> None:
        """Make it current and set uniforms: float, int, (3,), (4, 4), or (N, 4) arrays.

        A name that the driver has dropped because the shader does not need it is passed over, as
        OpenGL does.
        """
        self._gl.glUseProgram(self.handle)
        for name, value in uniforms.items():
            if name not in self._places:
                self._places[name] = self._gl.glGetUniformLocation(self.handle, name)
            self._set(self._places[name], value)

    def _set(self, place: int, value: Any) -> None:
        gl = self._gl
        if isinstance(value, int):
            gl.glUniform1i(place, value)
            return
        if isinstance(value, float):
            gl.glUniform1f(place, value)
            return
        array = np.ascontiguousarray(value, dtype=np.float32)
        if array.shape == (3,):
            gl.glUniform3fv(place, 1, array)
        elif array.shape == (4, 4):
            gl.glUniformMatrix4fv(place, 1, gl.GL_TRUE, array)
        else:
            gl.glUniform4fv(place, len(array), array)

    def close(self) -> None:
        """Free it on the graphics side."""
        self._gl.glDeleteProgram(self.handle)


@dataclass(kw_only=True)
class Canvas:
    """A framebuffer with textures for colour and depth; a missing one is 0."""

    gl: ModuleType
    handle: int
    width: int
    height: int
    colour: int = 0
    depth: int = 0

    def bind(self) -> None:
        """Draw here from now on."""
        self.gl.glBindFramebuffer(self.gl.GL_FRAMEBUFFER, self.handle)
        self.gl.glViewport(0, 0, self.width, self.height)

    def read(self) -> NDArray[np.uint8]:
        """Give the colours as (height, width, 4), first row first in memory."""
        gl = self.gl
        self.bind()
        gl.glPixelStorei(gl.GL_PACK_ALIGNMENT, 1)
        pixels = np.zeros((self.height, self.width, 4), dtype=np.uint8)
        gl.glReadPixels(0, 0, self.width, self.height, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE, pixels)
        return pixels

    def copy_to(self, other: "Canvas") -> None:
        """Copy the colours to a canvas of the same size."""
        gl = self.gl
        gl.glBindFramebuffer(gl.GL_READ_FRAMEBUFFER, self.handle)
        gl.glBindFramebuffer(gl.GL_DRAW_FRAMEBUFFER, other.handle)
        box = (0, 0, self.width, self.height)
        gl.glBlitFramebuffer(*box, *box, gl.GL_COLOR_BUFFER_BIT, gl.GL_NEAREST)

    def close(self) -> None:
        """Free it on the graphics side."""
        self.gl.glDeleteFramebuffers(1, [self.handle])
        textures = [texture for texture in (self.colour, self.depth) if texture]
        self.gl.glDeleteTextures(textures)


def make_canvas(
    gl: ModuleType, width: int, height: int, *, colour: bool = True, depth: bool = True
) -> Canvas:
    """Make a framebuffer of this size in pixels.

    Raises:
        RenderError: The driver cannot do this size.
    """
    canvas = Canvas(gl=gl, handle=int(gl.glGenFramebuffers(1)), width=width, height=height)
    canvas.bind()
    if colour:
        canvas.colour = _texture(gl, width, height, gl.GL_RGBA8, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE)
        place = gl.GL_COLOR_ATTACHMENT0
        gl.glFramebufferTexture2D(gl.GL_FRAMEBUFFER, place, gl.GL_TEXTURE_2D, canvas.colour, 0)
    else:
        gl.glDrawBuffer(gl.GL_NONE)
        gl.glReadBuffer(gl.GL_NONE)
    if depth:
        layout, kind = gl.GL_DEPTH_COMPONENT, gl.GL_UNSIGNED_INT
        canvas.depth = _texture(gl, width, height, gl.GL_DEPTH_COMPONENT24, layout, kind)
        place = gl.GL_DEPTH_ATTACHMENT
        gl.glFramebufferTexture2D(gl.GL_FRAMEBUFFER, place, gl.GL_TEXTURE_2D, canvas.depth, 0)
    if gl.glCheckFramebufferStatus(gl.GL_FRAMEBUFFER) != gl.GL_FRAMEBUFFER_COMPLETE:
        raise RenderError(f"the OpenGL driver cannot draw pictures of {width} x {height} pixels")
    return canvas


def _texture(gl: ModuleType, width: int, height: int, stored: int, layout: int, kind: int) -> int:
    handle = int(gl.glGenTextures(1))
    gl.glBindTexture(gl.GL_TEXTURE_2D, handle)
    gl.glTexImage2D(gl.GL_TEXTURE_2D, 0, stored, width, height, 0, layout, kind, None)
    for name in (gl.GL_TEXTURE_MIN_FILTER, gl.GL_TEXTURE_MAG_FILTER):
        gl.glTexParameteri(gl.GL_TEXTURE_2D, name, gl.GL_LINEAR)
    for name in (gl.GL_TEXTURE_WRAP_S, gl.GL_TEXTURE_WRAP_T):
        gl.glTexParameteri(gl.GL_TEXTURE_2D, name, gl.GL_CLAMP_TO_EDGE)
    return handle


def make_samplers(gl: ModuleType) -> tuple[int, int]:
    """Make two ways of reading one depth map: as numbers, and as hardware-filtered comparison."""
    plain, compare = (int(handle) for handle in gl.glGenSamplers(2))
    for handle, smooth in ((plain, gl.GL_NEAREST), (compare, gl.GL_LINEAR)):
        gl.glSamplerParameteri(handle, gl.GL_TEXTURE_MIN_FILTER, smooth)
        gl.glSamplerParameteri(handle, gl.GL_TEXTURE_MAG_FILTER, smooth)
        for name in (gl.GL_TEXTURE_WRAP_S, gl.GL_TEXTURE_WRAP_T):
            gl.glSamplerParameteri(handle, name, gl.GL_CLAMP_TO_EDGE)
    gl.glSamplerParameteri(compare, gl.GL_TEXTURE_COMPARE_MODE, gl.GL_COMPARE_REF_TO_TEXTURE)
    gl.glSamplerParameteri(compare, gl.GL_TEXTURE_COMPARE_FUNC, gl.GL_LEQUAL)
    return plain, compare


class VertexArray:
    """Vertex attributes (one buffer each) and, for meshes, triangle indices."""

    def __init__(
        self, gl: ModuleType, num_attributes: int, faces: NDArray[np.uint32] | None = None
    ) -> None:
        """Reserve the buffers; every attribute has three floats a vertex."""
        self._gl = gl
        self._handle = gl.glGenVertexArrays(1)
        self._buffers = [int(gl.glGenBuffers(1)) for _ in range(num_attributes)]
        gl.glBindVertexArray(self._handle)
        for place, buffer in enumerate(self._buffers):
            gl.glBindBuffer(gl.GL_ARRAY_BUFFER, buffer)
            gl.glVertexAttribPointer(place, 3, gl.GL_FLOAT, gl.GL_FALSE, 0, None)
            gl.glEnableVertexAttribArray(place)
        self._num_indices = 0
        if faces is not None:
            indices = np.ascontiguousarray(faces, dtype=np.uint32)
            self._num_indices = indices.size
            self._buffers.append(int(gl.glGenBuffers(1)))
            gl.glBindBuffer(gl.GL_ELEMENT_ARRAY_BUFFER, self._buffers[-1])
            size = indices.nbytes
            gl.glBufferData(gl.GL_ELEMENT_ARRAY_BUFFER, size, indices, gl.GL_STATIC_DRAW)

    def fill(self, attribute: int, values: NDArray[np.float32]) -> None:
        """Send new values of one attribute, (count, 3)."""
        gl = self._gl
        array = np.ascontiguousarray(values, dtype=np.float32)
        gl.glBindBuffer(gl.GL_ARRAY_BUFFER, self._buffers[attribute])
        gl.glBufferData(gl.GL_ARRAY_BUFFER, array.nbytes, array, gl.GL_STREAM_DRAW)

    def draw(self, num_vertices: int = 3) -> None:
        """Draw the triangles, or ``num_vertices`` vertices as a strip when there are no indices."""
        gl = self._gl
        gl.glBindVertexArray(self._handle)
        if self._num_indices:
            gl.glDrawElements(gl.GL_TRIANGLES, self._num_indices, gl.GL_UNSIGNED_INT, None)
        else:
            gl.glDrawArrays(gl.GL_TRIANGLE_STRIP, 0, num_vertices)

    def close(self) -> None:
        """Free it on the graphics side."""
        self._gl.glDeleteVertexArrays(1, [self._handle])
        if self._buffers:
            self._gl.glDeleteBuffers(len(self._buffers), self._buffers)
