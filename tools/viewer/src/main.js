// Opens the motion that stands in the page and shows it.
import * as THREE from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import { GLTFLoader } from 'three/addons/loaders/GLTFLoader.js';
import { Panel } from './panel.js';
import { Player } from './player.js';
import { Stage } from './stage.js';

const NUM_BODY_BONES = 22;
const FIELD_OF_VIEW = 30; // vertical, degrees
const EDGE_PIXELS = 12; // air between the person and the caption or the controls

const one = (id) => document.getElementById(id);

function bytesOf(id) {
  const element = one(id);
  if (!element || !element.textContent.trim()) return null;
  const text = atob(element.textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  element.textContent = '';
  return bytes;
}

function makeRenderer() {
  const renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
  renderer.shadowMap.enabled = true;
  renderer.shadowMap.type = THREE.PCFShadowMap;
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
  one('view').appendChild(renderer.domElement);
  return renderer;
}

function makeAudio() {
  const bytes = bytesOf('audio');
  if (!bytes) return null;
  const audio = new Audio(URL.createObjectURL(new Blob([bytes], { type: one('audio').dataset.type })));
  audio.preload = 'auto';
  return audio;
}

class Viewer {
  constructor(renderer, gltf, meta) {
    Object.assign(this, { renderer, meta, following: true });
    this.stage = new Stage(meta.floor_height);
    this.stage.scene.add(gltf.scene);
    this.bones = [];
    gltf.scene.traverse((node) => {
      if (!node.isMesh) return;
      node.castShadow = true;
      node.receiveShadow = true;
      node.frustumCulled = false;
      if (node.isSkinnedMesh) this.bones = node.skeleton.bones.slice(0, NUM_BODY_BONES);
    });
    this.mixer = new THREE.AnimationMixer(gltf.scene);
    this.clip = gltf.animations[0];
    this.mixer.clipAction(this.clip).setLoop(THREE.LoopOnce).play().clampWhenFinished = true;
    this.camera = new THREE.PerspectiveCamera(FIELD_OF_VIEW, 1, 0.05, 300);
    this.orbit = new OrbitControls(this.camera, renderer.domElement);
    Object.assign(this.orbit, { enableDamping: true, maxPolarAngle: 1.56, minDistance: 0.5, maxDistance: 40 });
    this.player = new Player(meta.num_frames / meta.fps, meta.fps, makeAudio());
    this.target = new THREE.Vector3();
    this.before = this.targetAt(0);
    addEventListener('resize', () => this.resize());
    this.resize();
    this.reset();
  }

  // Smoothed middle of the person, made by the writer of the page.
  targetAt(time) {
    const { targets, fps } = this.meta;
    const place = Math.min(Math.max(time * fps, 0), targets.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, targets.length - 1);
    return new THREE.Vector3(...targets[low]).lerp(new THREE.Vector3(...targets[high]), place - low);
  }

  // The camera where the page was written for, far enough for this window.
  reset() {
    const { radius, half_height: half, azimuth, elevation } = this.meta;
    const tall = Math.tan(THREE.MathUtils.degToRad(FIELD_OF_VIEW / 2));
    const { top, bottom } = this.#hidden();
    const free = Math.max(0.4, 1 - (top + bottom) / innerHeight);
    const distance = Math.max(half / (tall * free), radius / (tall * this.camera.aspect)) + 0.5 * radius;
    const middle = this.targetAt(this.player.time);
    const flat = Math.cos(elevation);
    this.orbit.target.copy(middle);
    this.camera.position.set(flat * Math.sin(azimuth), Math.sin(elevation), flat * Math.cos(azimuth));
    this.camera.position.multiplyScalar(distance).add(middle);
    this.before = middle;
    this.orbit.update();
  }

  // Pixels at the top and at the bottom that caption and controls take.
  #hidden() {
    const most = 0.3 * innerHeight;
    const top = Math.min(one('caption').getBoundingClientRect().bottom + EDGE_PIXELS, most);
    const bottom = Math.min(innerHeight - one('panel').getBoundingClientRect().top + EDGE_PIXELS, most);
    return { top, bottom };
  }

  resize() {
    const width = innerWidth;
    const height = innerHeight;
    this.renderer.setSize(width, height);
    this.camera.aspect = width / height;
    // the picture's middle lies halfway between caption and controls
    const { top, bottom } = this.#hidden();
    this.camera.setViewOffset(width, height, 0, (bottom - top) / 2, width, height);
    this.camera.updateProjectionMatrix();
  }

  draw(seconds) {
    this.player.advance(seconds);
    this.mixer.setTime(Math.min(this.player.time, this.clip.duration));
    const middle = this.targetAt(this.player.time);
    if (this.following) {
      const step = middle.clone().sub(this.before);
      this.camera.position.add(step);
      this.orbit.target.add(step);
    }
    this.before = middle;
    this.orbit.update();
    this.stage.place(middle, this.meta.azimuth, this.meta.radius + this.meta.half_height);
    this.stage.scene.updateMatrixWorld();
    this.stage.touch(this.bones);
    this.renderer.render(this.stage.scene, this.camera);
  }
}

async function start() {
  const meta = JSON.parse(one('meta').textContent);
  const renderer = makeRenderer();
  const gltf = await new GLTFLoader().parseAsync(bytesOf('glb').buffer, '');
  const viewer = new Viewer(renderer, gltf, meta);
  const panel = new Panel(viewer.player, {
    follow: (on) => { viewer.following = on; },
    following: () => viewer.following,
    reset: () => viewer.reset(),
  });
  const asked = new URLSearchParams(location.hash.slice(1));
  const quiet = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (asked.has('t')) {
    viewer.player.seek(Number(asked.get('t')));
    viewer.reset();
  } else if (!quiet && !viewer.player.audio) {
    viewer.player.play();
  }
  let last = performance.now();
  renderer.setAnimationLoop((now) => {
    viewer.draw(Math.min(Math.max(0, now - last) / 1000, 0.25));
    last = now;
    panel.show();
  });
  document.body.classList.add('ready');
}

start().catch((error) => {
  one('message').textContent = `This page needs WebGL 2 to show the motion (${error.message}).`;
  document.body.classList.add('failed');
});
