// Buttons, slider and keys. The elements stand in viewer.html.
const SPEEDS = [0.25, 0.5, 0.75, 1, 1.5, 2];
const one = (id) => document.getElementById(id);

export class Panel {
  constructor(player, actions) {
    this.player = player;
    this.actions = actions;
    this.bar = one('scrub');
    this.bar.max = player.duration.toFixed(4);
    this.bar.step = (1 / player.fps / 2).toFixed(5);
    this.bar.addEventListener('input', () => player.seek(Number(this.bar.value)));
    one('play').addEventListener('click', () => player.toggle());
    one('loop').addEventListener('click', () => this.setLoop(!player.loop));
    one('follow').addEventListener('click', () => this.setFollow(!actions.following()));
    one('reset').addEventListener('click', () => actions.reset());
    one('full').addEventListener('click', () => this.#fullscreen());
    if (!document.fullscreenEnabled) one('full').hidden = true;
    const sound = one('sound');
    sound.hidden = !player.audio;
    sound.addEventListener('click', () => this.setSound(player.audio.muted));
    this.speed = one('speed');
    for (const value of SPEEDS) this.speed.add(new Option(`${value}\u00d7`, String(value), value === 1, value === 1));
    this.speed.addEventListener('change', () => player.setSpeed(Number(this.speed.value)));
    addEventListener('keydown', (event) => this.#key(event));
    this.setLoop(true);
    this.setFollow(true);
  }

  setLoop(on) {
    this.player.loop = on;
    one('loop').setAttribute('aria-pressed', String(on));
  }

  setFollow(on) {
    this.actions.follow(on);
    one('follow').setAttribute('aria-pressed', String(on));
  }

  setSound(on) {
    this.player.audio.muted = !on;
    one('sound').setAttribute('aria-pressed', String(on));
  }

  #fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen().catch(() => {});
  }

  #step(seconds) {
    this.player.pause();
    this.player.seek(this.player.time + seconds);
  }

  #faster(steps) {
    const next = Math.min(Math.max(this.speed.selectedIndex + steps, 0), SPEEDS.length - 1);
    this.speed.selectedIndex = next;
    this.player.setSpeed(SPEEDS[next]);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target instanceof HTMLButtonElement;
    const frame = event.shiftKey ? 1 : 1 / this.player.fps;
    const keys = {
      ' ': () => onButton || this.player.toggle(),
      k: () => this.player.toggle(),
      ArrowLeft: () => this.#step(-frame),
      ArrowRight: () => this.#step(frame),
      Home: () => this.player.seek(0),
      End: () => this.player.seek(this.player.duration),
      f: () => this.setFollow(!this.actions.following()),
      l: () => this.setLoop(!this.player.loop),
      r: () => this.actions.reset(),
      m: () => this.player.audio && this.setSound(this.player.audio.muted),
      '+': () => this.#faster(1),
      '-': () => this.#faster(-1),
    };
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || (event.target === this.speed && event.key.startsWith('Arrow'))) return;
    if (action() !== true) event.preventDefault();
  }

  show() {
    const { player } = this;
    this.bar.value = player.time;
    this.bar.style.setProperty('--done', `${(100 * player.time) / Math.max(player.duration, 1e-9)}%`);
    this.bar.setAttribute('aria-valuetext', `${player.time.toFixed(1)} of ${player.duration.toFixed(1)} seconds`);
    one('now').textContent = player.time.toFixed(2);
    one('all').textContent = player.duration.toFixed(2);
    document.body.classList.toggle('playing', player.playing);
    one('play').setAttribute('aria-label', player.playing ? 'Pause' : 'Play');
  }
}
