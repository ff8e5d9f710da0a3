"""GLSL programs of the painter: sky and floor, shadow on the floor, the body, and the blend.

Colours are linear inside and written as sRGB by ``to_srgb``. Clip space is upside down (the
painter flips y), so that pictures are read from memory top row first.
"""

_VERSION = "#version 330 core\n"

_COLOUR = """
vec3 to_srgb(vec3 c) {
    c = clamp(c, 0.0, 1.0);
    return mix(12.92 * c, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}
"""

# Interleaved gradient noise: Jimenez, "Next Generation Post Processing in Call of Duty", 2014
_NOISE = """
float noise(vec2 p) { return fract(52.9829189 * fract(dot(p, vec2(0.06711056, 0.00583715)))); }
"""

_SCENE = """
uniform vec3 eye;
uniform vec3 focus;         // point of the floor under the person
uniform float floor_height;
uniform vec3 sun;           // unit vector towards the key light
uniform vec3 horizon;
uniform vec3 zenith;
float haze(vec3 p) { return 1.0 - exp(-0.0045 * pow(distance(p.xz, focus.xz), 2.0)); }
"""

SCREEN_VERTEX = (
    _VERSION
    + """
out vec2 clip;
void main() {
    clip = vec2((gl_VertexID & 1) * 4 - 1, (gl_VertexID & 2) * 2 - 1);
    gl_Position = vec4(clip, 0.0, 1.0);
}
"""
)

BACKDROP_FRAGMENT = (
    _VERSION
    + _NOISE
    + _COLOUR
    + _SCENE
    + """
in vec2 clip;
out vec4 result;
uniform mat4 clip_to_world;
uniform vec3 tile_light;
uniform vec3 tile_dark;
const float TILE = 0.5;     // metres

// Checker board averaged over the pixel, after Inigo Quilez, "filtering the checkerboard pattern"
float checker(vec2 p, vec2 dx, vec2 dy) {
    vec2 w = max(abs(dx), abs(dy)) + 0.001;
    vec2 a = abs(fract((p - 0.5 * w) * 0.5) - 0.5), b = abs(fract((p + 0.5 * w) * 0.5) - 0.5);
    vec2 i = 2.0 * (a - b) / w;
    return 0.5 - 0.5 * i.x * i.y;
}

float seams(vec2 p, vec2 dx, vec2 dy) {
    vec2 w = max(abs(dx), abs(dy)) + 0.012;
    vec2 d = abs(fract(p + 0.5) - 0.5);
    vec2 line = 0.012 / w * (1.0 - smoothstep(vec2(0.0), w, d));
    return min(1.0, line.x + line.y);
}

void main() {
    vec4 far = clip_to_world * vec4(clip, 1.0, 1.0);
    vec3 ray = normalize(far.xyz / far.w - eye);
    float up = max(ray.y, 0.0);
    vec3 colour = mix(horizon, zenith, smoothstep(-0.02, 0.45, up));
    if (ray.y < -1e-4) {
        vec3 p = eye + ray * ((floor_height - eye.y) / ray.y);
        vec2 uv = p.xz / TILE;
        // derivatives along the exact plane: neighbours across the horizon would spoil dFdx
        vec2 dx = dFdx(uv), dy = dFdy(uv);
        float pattern = checker(uv, dx, dy);
        vec3 tiles = mix(tile_dark, tile_light, pattern);
        tiles *= 1.0 - 0.16 * seams(uv, dx, dy);
        float pool = exp(-0.10 * pow(distance(p.xz, focus.xz), 2.0));
        tiles *= 0.90 + 0.14 * pool;
        colour = mix(tiles, horizon, haze(p));
    }
    vec2 q = clip * vec2(0.62, 0.55);
    colour *= 1.0 - 0.22 * pow(dot(q, q), 1.5);
    result = vec4(to_srgb(colour) + (noise(gl_FragCoord.xy) - 0.5) / 255.0, 1.0);
}
"""
)

MASK_FRAGMENT = (
    _VERSION
    + _NOISE
    + """
in vec2 clip;
out vec4 result;
uniform vec3 patch_corner;      // the piece of floor that the mask covers
uniform vec3 patch_size;
uniform mat4 world_to_light;    // to [0, 1]^3
uniform float light_span;       // metres across the shadow map
uniform float light_depth;      // metres from its near to its far plane
uniform sampler2D depth_map;
uniform sampler2DShadow shadow_map;
uniform int num_blobs;
uniform vec4 blobs[%(max_blobs)d];        // joints as spheres: centre, radius
const float SOFTNESS = 0.07;    // penumbra metres per metre between blocker and floor
const float REACH = 0.12;       // metres around a point where blockers are sought
const int TAPS = 16;
const int SEARCH = 8;

vec2 spiral(int i, int n, float turn) {
    float a = 2.399963 * float(i) + turn;
    return sqrt((float(i) + 0.5) / float(n)) * vec2(cos(a), sin(a));
}

// Contact-hardening shadow: Fernando, "Percentage-Closer Soft Shadows", 2005
float key_shadow(vec3 q) {
    float turn = 6.2831853 * noise(gl_FragCoord.xy);
    float blocked = 0.0, depth = 0.0;
    for (int i = 0; i < SEARCH; i++) {
        float d = texture(depth_map, q.xy + REACH / light_span * spiral(i, SEARCH, turn)).r;
        float hit = step(d, q.z - 0.004);
        blocked += hit;
        depth += hit * d;
    }
    if (blocked < 0.5) return 0.0;
    float gap = max(0.0, q.z - depth / blocked) * light_depth;
    float radius = (0.012 + SOFTNESS * gap) / light_span;
    float lit = 0.0;
    for (int i = 0; i < TAPS; i++)
        lit += texture(shadow_map, vec3(q.xy + radius * spiral(i, TAPS, turn), q.z - 0.002));
    return 1.0 - lit / float(TAPS);
}

// Spheres over a plane, after Inigo Quilez, "sphere ambient occlusion"
float contact(vec3 point) {
    float open = 1.0;
    for (int i = 0; i < num_blobs; i++) {
        vec3 d = blobs[i].xyz - point;
        float l2 = dot(d, d) + 1e-4;
        float seen = clamp(d.y * inversesqrt(l2), 0.0, 1.0) * blobs[i].w * blobs[i].w / l2;
        open *= 1.0 - clamp(seen, 0.0, 0.85);
    }
    return max(0.0, 1.0 - open - 0.02);
}

void main() {
    vec2 uv = 0.5 + 0.5 * clip;
    vec3 point = patch_corner + vec3(uv.x, 0.0, uv.y) * patch_size;
    vec3 q = (world_to_light * vec4(point, 1.0)).xyz;
    vec2 inside = smoothstep(vec2(0.0), vec2(0.12), min(uv, 1.0 - uv));
    float dark = 1.0 - (1.0 - 0.55 * key_shadow(q)) * (1.0 - 0.6 * contact(point));
    result = vec4(dark * inside.x * inside.y);
}
"""
)

FLOOR_VERTEX = (
    _VERSION
    + """
layout(location = 0) in vec3 position;
uniform mat4 world_to_clip;
out vec3 point;
void main() {
    point = position;
    gl_Position = world_to_clip * vec4(position, 1.0);
}
"""
)

FLOOR_SHADOW_FRAGMENT = (
    _VERSION
    + _SCENE
    + """
in vec3 point;
out vec4 result;
uniform vec3 patch_corner;
uniform vec3 patch_size;
uniform float mask_texel;       // one pixel of the mask in [0, 1]
uniform sampler2D mask;
uniform vec3 shadow_colour;

void main() {
    vec2 uv = (point - patch_corner).xz / patch_size.xz;
    vec2 e = vec2(mask_texel, -mask_texel);     // four bilinear taps: a 3 x 3 tent
    float dark = texture(mask, uv + 0.75 * e.xx).r + texture(mask, uv + 0.75 * e.yy).r
               + texture(mask, uv + 0.75 * e.xy).r + texture(mask, uv + 0.75 * e.yx).r;
    result = vec4(shadow_colour, 0.25 * dark * (1.0 - haze(point)));
}
"""
)

DEPTH_VERTEX = (
    _VERSION
    + """
layout(location = 0) in vec3 position;
uniform mat4 world_to_clip;
void main() { gl_Position = world_to_clip * vec4(position, 1.0); }
"""
)

DEPTH_FRAGMENT = _VERSION + "void main() {}\n"

BODY_VERTEX = (
    _VERSION
    + """
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec3 colour;
uniform mat4 world_to_clip;
uniform mat4 world_to_light;
out vec3 point;
out vec3 facing;
out vec3 albedo;
uniform float floor_height;
out vec3 in_light;
void main() {
    // what sinks into the floor is cut here: a "discard" in the fragment shader forbids early depth
    gl_ClipDistance[0] = position.y - floor_height;
    point = position;
    facing = normal;
    albedo = colour;
    in_light = (world_to_light * vec4(position + 0.006 * normal, 1.0)).xyz;
    gl_Position = world_to_clip * vec4(position, 1.0);
}
"""
)

BODY_FRAGMENT = (
    _VERSION
    + _COLOUR
    + _SCENE
    + """
in vec3 point;
in vec3 facing;
in vec3 albedo;
in vec3 in_light;
out vec4 result;
uniform vec3 fill;              // unit vectors towards the fill and the rim light
uniform vec3 rim;
uniform sampler2DShadow shadow_map;
uniform float light_span;

float lit() {
    vec2 r = vec2(0.011 / light_span, 0.0);
    float z = in_light.z - 0.0015;
    float sum = texture(shadow_map, vec3(in_light.xy + r.xy, z));
    sum += texture(shadow_map, vec3(in_light.xy - r.xy, z));
    sum += texture(shadow_map, vec3(in_light.xy + r.yx, z));
    sum += texture(shadow_map, vec3(in_light.xy - r.yx, z));
    return 0.25 * sum;
}

void main() {
    vec3 n = normalize(facing) * (gl_FrontFacing ? 1.0 : -1.0);
    vec3 v = normalize(eye - point);
    float sunny = lit();
    float key = smoothstep(-0.08, 1.0, dot(n, sun)) * sunny;
    float side = max(dot(n, fill) * 0.6 + 0.4, 0.0);
    float near_floor = mix(0.72, 1.0, smoothstep(0.0, 0.5, point.y - floor_height));
    const vec3 BOUNCE = vec3(0.34, 0.32, 0.30), SKY = vec3(0.50, 0.54, 0.60);
    const vec3 WARM = vec3(1.0, 0.96, 0.90), COOL = vec3(0.84, 0.91, 1.0);
    vec3 sky_light = mix(BOUNCE, SKY, 0.5 + 0.5 * n.y) * near_floor;
    float fresnel = pow(1.0 - max(dot(n, v), 0.0), 3.0);
    vec3 light = 0.72 * sky_light + 1.28 * key * WARM + 0.22 * side * COOL;
    vec3 colour = albedo * light;
    vec3 h = normalize(sun + v);
    colour += 0.035 * pow(max(dot(n, h), 0.0), 28.0) * sunny;
    colour += 0.30 * fresnel * max(dot(n, rim), 0.0) * (0.25 + albedo);
    colour += 0.05 * fresnel * horizon;
    result = vec4(to_srgb(colour), 1.0);
}
"""
)

BLEND_FRAGMENT = (
    _VERSION
    + """
in vec2 clip;
out vec4 result;
uniform sampler2D people;       // twice the size: one bilinear tap is the mean of four samples
void main() { result = texture(people, 0.5 + 0.5 * clip); }
"""
)
