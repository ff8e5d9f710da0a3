// Stick figures that play in a loop: joint positions in millimetres, y up, drawn in perspective.
"use strict";
(() => {
  const clips = JSON.parse(document.getElementById("clips").textContent);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const players = [];

  function unpack(text, joints) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const values = new Int16Array(bytes.buffer);
    const frames = Math.floor(values.length / (3 * joints));
    return { values, frames, joints };
  }

  // Where the camera looks: the root's path, averaged over about a second.
  function follow(track, fps) {
    const path = [], half = Math.round(fps / 2);
    for (let t = 0; t < track.frames; t++) {
      let x = 0, z = 0, n = 0;
      for (let k = Math.max(0, t - half); k <= Math.min(track.frames - 1, t + half); k++, n++) {
        x += track.values[3 * k * track.joints];
        z += track.values[3 * k * track.joints + 2];
      }
      path.push([x / n, z / n]);
    }
    return path;
  }

  function reach(track, path) {
    let most = 900;
    for (let t = 0; t < track.frames; t++)
      for (let j = 0; j < track.joints; j++) {
        const at = 3 * (t * track.joints + j);
        most = Math.max(most, track.values[at + 1] / 1.75,
          Math.hypot(track.values[at] - path[t][0], track.values[at + 2] - path[t][1]));
      }
    return most;
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { model: of("--model"), made: of("--model"), captured: of("--truth"), line: of("--line"),
      ink: of("--ink"), soft: of("--soft") };
  }

  class Player {
    constructor(canvas) {
      const clip = clips[Number(canvas.dataset.clip)];
      this.canvas = canvas;
      this.clip = clip;
      this.paused = false;
      this.time = 0;
      this.views = clip.views.map((view) => {
        const track = unpack(view.data, clip.parents.length);
        const path = follow(track, clip.fps);
        return { name: view.name, track, path, reach: reach(track, path) };
      });
      this.far = Math.max(...this.views.map((view) => view.reach));
      this.seconds = Math.max(...this.views.map((view) => view.track.frames)) / clip.fps;
      canvas.addEventListener("click", () => { this.paused = !this.paused; });
    }

    resize() {
      const ratio = window.devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
      const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio);
      if (this.canvas.width !== width || this.canvas.height !== height)
        Object.assign(this.canvas, { width, height });
      return { width, height, ratio };
    }

    draw(seconds) {
      const { width, height, ratio } = this.resize();
      if (!width || !height) return;
      const pen = this.canvas.getContext("2d"), tint = colours();
      pen.clearRect(0, 0, width, height);
      const wide = width / this.views.length;
      this.views.forEach((view, place) => {
        pen.save();
        pen.beginPath();
        pen.rect(place * wide, 0, wide, height);
        pen.clip();
        this.drawView(pen, view, place * wide, wide, height, ratio, tint, seconds);
        pen.restore();
      });
    }

    drawView(pen, view, left, wide, high, ratio, tint, seconds) {
      const { track, path } = view, { parents, sides, body, fps } = this.clip;
      const exact = Math.min(seconds * fps, track.frames - 1);
      const t = Math.floor(exact), next = Math.min(t + 1, track.frames - 1), share = exact - t;
      const mix = (a, b) => a + (b - a) * share;
      const centre = [mix(path[t][0], path[next][0]), mix(path[t][1], path[next][1])];
      const turn = 0.55 + 0.18 * Math.sin(seconds * 0.5), cos = Math.cos(turn), sin = Math.sin(turn);
      const tilt = 0.2, up = Math.cos(tilt), down = Math.sin(tilt);
      const distance = this.far * 4.6, focus = Math.min(wide * 1.15, high) * 2.08;
      const project = (x, y, z) => {
        const dx = x - centre[0], dz = z - centre[1], dy = y - this.far * 0.94;
        const side = cos * dx - sin * dz, near = sin * dx + cos * dz;
        const depth = distance - near * up + dy * -down, rise = dy * up - near * down;
        return [left + wide / 2 + focus * side / depth, high * 0.485 - focus * rise / depth, depth];
      };
      const point = (j) => {
        const a = 3 * (t * track.joints + j), b = 3 * (next * track.joints + j);
        return [0, 1, 2].map((k) => mix(track.values[a + k], track.values[b + k]));
      };
      // Floor: lines half a metre apart that stay where they are while the camera moves.
      const step = 500, extent = Math.ceil(this.far * 1.5 / step) * step;
      const from = [Math.round(centre[0] / step) * step, Math.round(centre[1] / step) * step];
      pen.strokeStyle = tint.line;
      pen.lineWidth = ratio;
      for (let d = -extent; d <= extent; d += step) {
        for (const ends of [[from[0] + d, from[1] - extent, from[0] + d, from[1] + extent],
          [from[0] - extent, from[1] + d, from[0] + extent, from[1] + d]]) {
          const a = project(ends[0], 0, ends[1]), b = project(ends[2], 0, ends[3]);
          pen.beginPath();
          pen.moveTo(a[0], a[1]);
          pen.lineTo(b[0], b[1]);
          pen.stroke();
        }
      }
      const places = parents.map((_, j) => point(j));
      const scale = focus / distance;
      pen.lineCap = "round";
      // Shadow.
      pen.strokeStyle = tint.ink;
      pen.globalAlpha = 0.1;
      pen.lineWidth = 55 * scale;
      pen.beginPath();
      parents.forEach((parent, j) => {
        if (parent < 0 || j >= body) return;
        const a = project(places[parent][0], 0, places[parent][2]);
        const b = project(places[j][0], 0, places[j][2]);
        pen.moveTo(a[0], a[1]);
        pen.lineTo(b[0], b[1]);
      });
      pen.stroke();
      pen.globalAlpha = 1;
      // Bones, far ones first.
      const points = places.map((p) => project(...p));
      const order = parents.map((_, j) => j).filter((j) => parents[j] >= 0)
        .sort((a, b) => points[b][2] - points[a][2]);
      for (const j of order) {
        const a = points[parents[j]], b = points[j];
        pen.strokeStyle = tint[view.name];
        pen.globalAlpha = sides[j] === 2 ? 0.62 : 1;
        pen.lineWidth = Math.max(ratio, (j >= body ? 14 : 52) * focus / ((a[2] + b[2]) / 2));
        pen.beginPath();
        pen.moveTo(a[0], a[1]);
        pen.lineTo(b[0], b[1]);
        pen.stroke();
      }
      pen.globalAlpha = 1;
      const head = project(places[15][0], places[15][1] + 60, places[15][2]);
      pen.fillStyle = tint[view.name];
      pen.beginPath();
      pen.arc(head[0], head[1], 105 * focus / head[2], 0, 2 * Math.PI);
      pen.fill();
      if (this.views.length > 1) {
        pen.fillStyle = tint.soft;
        pen.font = `${12 * ratio}px system-ui, sans-serif`;
        pen.textAlign = "center";
        pen.fillText(view.name, left + wide / 2, high - 8 * ratio);
      }
    }
  }

  for (const canvas of document.querySelectorAll("canvas[data-clip]"))
    players.push(new Player(canvas));
  const seen = new Set();
  if ("IntersectionObserver" in window) {
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target);
    }, { rootMargin: "200px" });
    players.forEach((player) => observer.observe(player.canvas));
  } else players.forEach((player) => seen.add(player.canvas));
  let last = performance.now();
  function frame(now) {
    const passed = Math.min(0.1, (now - last) / 1000);
    last = now;
    for (const player of players) {
      if (!seen.has(player.canvas)) continue;
      if (!player.paused && !still) player.time = (player.time + passed) % (player.seconds + 0.4);
      player.draw(Math.min(player.time, player.seconds));
    }
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);
})();
