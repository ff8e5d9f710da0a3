// What stands around the body: sky, floor, lights and shadow. Colours are those of motion/render/painter.py.
import * as THREE from 'three';

const HORIZON = new THREE.Color(0xe9eff6);
const ZENITH = new THREE.Color(0x96bae0);
const MAX_BLOBS = 24;
const FLOOR_RADIUS = 80;
const SHADOW_SPAN = 3.2; // metres across the shadow map

const SKY = {
  vertexShader: `
    varying vec3 ray;
    void main() {
      ray = position;
      gl_Position = projectionMatrix * mat4(mat3(viewMatrix)) * vec4(position, 1.0);
      gl_Position.z = gl_Position.w;
    }`,
  fragmentShader: `
    varying vec3 ray;
    uniform vec3 horizon;
    uniform vec3 zenith;
    void main() {
      float up = normalize(ray).y;
      gl_FragColor = vec4(mix(horizon, zenith, smoothstep(-0.02, 0.45, up)), 1.0);
      #include <colorspace_fragment>
    }`,
};

const FLOOR = {
  vertexShader: `
    varying vec3 point;
    void main() {
      vec4 world = modelMatrix * vec4(position, 1.0);
      point = world.xyz;
      gl_Position = projectionMatrix * viewMatrix * world;
    }`,
  fragmentShader: `
    varying vec3 point;
    uniform vec3 focus;
    uniform vec3 horizon;
    uniform vec3 tileLight;
    uniform vec3 tileDark;
    uniform vec3 shade;
    uniform vec4 blobs[${MAX_BLOBS}];
    uniform int numBlobs;

    // after Inigo Quilez, "filtering the checkerboard pattern" and "sphere ambient occlusion"
    float checker(vec2 p, vec2 w) {
      vec2 i = 2.0 * (abs(fract((p - 0.5 * w) * 0.5) - 0.5) - abs(fract((p + 0.5 * w) * 0.5) - 0.5)) / w;
      return 0.5 - 0.5 * i.x * i.y;
    }
    float seams(vec2 p, vec2 w) {
      vec2 d = abs(fract(p + 0.5) - 0.5);
      vec2 line = 0.012 / w * (1.0 - smoothstep(vec2(0.0), w, d));
      return min(1.0, line.x + line.y);
    }
    float contact() {
      float open = 1.0;
      for (int i = 0; i < ${MAX_BLOBS}; i++) {
        if (i >= numBlobs) break;
        vec3 d = blobs[i].xyz - point;
        float l2 = dot(d, d) + 1e-4;
        float seen = clamp(d.y * inversesqrt(l2), 0.0, 1.0) * blobs[i].w * blobs[i].w / l2;
        open *= 1.0 - clamp(seen, 0.0, 0.85);
      }
      return max(0.0, 1.0 - open - 0.02);
    }
    void main() {
      vec2 uv = point.xz / 0.5;
      vec2 w = max(abs(dFdx(uv)), abs(dFdy(uv)));
      vec3 tiles = mix(tileDark, tileLight, checker(uv, w + 0.001));
      tiles *= 1.0 - 0.16 * seams(uv, w + 0.012);
      float away = distance(point.xz, focus.xz);
      tiles *= 0.90 + 0.14 * exp(-0.10 * away * away);
      tiles = mix(tiles, shade, 0.6 * contact());
      gl_FragColor = vec4(mix(tiles, horizon, 1.0 - exp(-0.0045 * away * away)), 1.0);
      #include <colorspace_fragment>
    }`,
};

export class Stage {
  constructor(floorHeight) {
    this.scene = new THREE.Scene();
    this.height = floorHeight;
    this.focus = new THREE.Vector3();
    const sky = new THREE.Mesh(
      new THREE.SphereGeometry(1, 32, 16),
      new THREE.ShaderMaterial({
        ...SKY,
        side: THREE.BackSide,
        depthWrite: false,
        uniforms: { horizon: { value: HORIZON }, zenith: { value: ZENITH } },
      }),
    );
    sky.frustumCulled = false;
    sky.renderOrder = -1;
    this.scene.add(sky);
    this.#layFloor();
    this.#hangLights();
  }

  #layFloor() {
    this.blobs = Array.from({ length: MAX_BLOBS }, () => new THREE.Vector4());
    this.uniforms = {
      focus: { value: this.focus },
      horizon: { value: HORIZON },
      tileLight: { value: new THREE.Color(0xdee2e7) },
      tileDark: { value: new THREE.Color(0xced4dc) },
      shade: { value: new THREE.Color(0x343c54) },
      blobs: { value: this.blobs },
      numBlobs: { value: 0 },
    };
    const disc = new THREE.CircleGeometry(FLOOR_RADIUS, 96).rotateX(-Math.PI / 2);
    this.floor = new THREE.Mesh(disc, new THREE.ShaderMaterial({ ...FLOOR, uniforms: this.uniforms }));
    this.catcher = new THREE.Mesh(
      new THREE.CircleGeometry(6, 48).rotateX(-Math.PI / 2),
      new THREE.ShadowMaterial({ color: 0x343c54, opacity: 0.5, polygonOffset: true, polygonOffsetFactor: -1 }),
    );
    this.catcher.receiveShadow = true;
    this.scene.add(this.floor, this.catcher);
  }

  #hangLights() {
    this.scene.add(new THREE.HemisphereLight(0xeef4ff, 0xb9b1a8, 1.55));
    this.sun = new THREE.DirectionalLight(0xfff4e6, 3.6);
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(1024, 1024);
    this.sun.shadow.radius = 5;
    this.sun.shadow.bias = -0.0004;
    this.sun.shadow.normalBias = 0.012;
    Object.assign(this.sun.shadow.camera, { near: 0.5, far: 14 });
    this.fill = new THREE.DirectionalLight(0xd6e8ff, 0.6);
    this.rim = new THREE.DirectionalLight(0xffffff, 0.9);
    this.scene.add(this.sun, this.sun.target, this.fill, this.fill.target, this.rim, this.rim.target);
  }

  // Put lights and floor around the person. reach: metres around focus that must be in the shadow's view.
  place(focus, azimuth, reach) {
    this.focus.set(focus.x, this.height, focus.z);
    const lamps = [[this.sun, -0.84, 0.91], [this.fill, 1.05, 0.35], [this.rim, 2.7, 0.61]];
    for (const [lamp, turn, elevation] of lamps) {
      const flat = Math.cos(elevation);
      const a = azimuth + turn;
      lamp.target.position.copy(focus);
      lamp.position.set(flat * Math.sin(a), Math.sin(elevation), flat * Math.cos(a)).multiplyScalar(7).add(focus);
    }
    const half = Math.max(SHADOW_SPAN / 2, reach);
    const eye = this.sun.shadow.camera;
    if (eye.right !== half) {
      Object.assign(eye, { left: -half, right: half, top: half, bottom: -half });
      eye.updateProjectionMatrix();
    }
    this.floor.position.copy(this.focus);
    this.catcher.position.copy(this.focus);
  }

  // Darken the floor around the joints (bones of the skeleton).
  touch(bones) {
    const count = Math.min(bones.length, MAX_BLOBS);
    for (let i = 0; i < count; i++) {
      const e = bones[i].matrixWorld.elements;
      this.blobs[i].set(e[12], e[13], e[14], 0.09);
    }
    this.uniforms.numBlobs.value = count;
  }
}
