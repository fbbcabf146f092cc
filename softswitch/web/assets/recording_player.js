// Plays a call's recording. The containers come encrypted; a worker decrypts them with the key that is chosen here, which
// is forgotten with the page. How long was listened is told to the site when the recording is put away.
const NAMES = ["Agent and prompts", "Callee", "Third channel"];
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
const PART_MS = 60000;

function wav({ rate, samples }) {
  const [left, right = left, third] = samples, count = left.length, view = new DataView(new ArrayBuffer(44 + 4 * count));
  const words = (at, text) => [...text].forEach((sign, n) => view.setUint8(at + n, sign.charCodeAt(0)));
  words(0, "RIFF"); view.setUint32(4, 36 + 4 * count, true); words(8, "WAVEfmt "); view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); view.setUint16(22, 2, true); view.setUint32(24, rate, true); view.setUint32(28, 4 * rate, true);
  view.setUint16(32, 4, true); view.setUint16(34, 16, true); words(36, "data"); view.setUint32(40, 4 * count, true);
  const clipped = (value) => Math.max(-32768, Math.min(32767, value));
  const sound = new Int16Array(view.buffer, 44);
  for (let n = 0; n < count; n++) {
    sound[2 * n] = third ? clipped(left[n] + third[n]) : left[n];
    sound[2 * n + 1] = third ? clipped(right[n] + third[n]) : right[n];
  }
  return new Blob([view.buffer], { type: "audio/wav" });
}

export default {
  template: `
  <section class="panel player" aria-label="Player">
    <div class="player-line">
      <h2 class="panel-title">Player</h2>
      <span class="player-call" v-if="playback">{{ playback.call_ref }}</span>
      <span class="spacer"></span>
      <span v-if="print" class="player-print">Key {{ print.slice(0, 8) }}…</span>
      <button v-if="print" type="button" class="act" @click="forget">Forget key</button>
      <label :class="['act', 'player-key', { 'act-main': !print }]">{{ print ? "Another key" : "Choose private key" }}<input
        ref="file" type="file" class="unseen" @change="choose" /></label>
    </div>
    <p class="player-status" role="status">{{ status }}</p>
    <p v-for="text in troubles" :key="text" class="player-trouble" role="alert">{{ text }}</p>
    <div v-show="length">
      <canvas ref="wave" class="wave" role="slider" tabindex="0" aria-label="Position" aria-valuemin="0" :aria-valuemax="Math.round(length)"
        :aria-valuenow="Math.round(at)" :aria-valuetext="clock(at) + ' of ' + clock(length)" @keydown="key" @pointerdown="point"></canvas>
      <div class="player-line">
        <button type="button" class="act act-main player-play" @click="toggle">{{ playing ? "Pause" : "Play" }}</button>
        <span class="player-clock">{{ clock(at) }} / {{ clock(length) }}</span>
        <label class="player-field">Speed <select class="field" v-model.number="speed"><option v-for="each in speeds" :key="each" :value="each">{{ each }} ×</option></select></label>
        <label class="player-field">Balance <input type="range" min="-1" max="1" step="0.1" v-model.number="balance" :aria-valuetext="balanceText" /> {{ balanceText }}</label>
        <span class="spacer"></span>
        <span class="player-heard">{{ clock(heard) }} listened</span>
        <button type="button" class="act" @click="putAway">Done</button>
      </div>
    </div>
    <audio ref="audio" preload="auto" @play="began" @pause="stopped" @ended="stopped" @timeupdate="moved" @seeked="moved"></audio>
  </section>`,
  props: { playback: Object, csrf: String },
  data: () => ({ print: "", status: "", troubles: [], length: 0, at: 0, playing: false, speed: 1, balance: 0, heard: 0, speeds: SPEEDS }),
  computed: {
    balanceText() {
      return this.balance < 0 ? "more agent" : this.balance > 0 ? "more callee" : "both";
    },
  },
  watch: {
    playback: { immediate: true, handler(now) { this.$nextTick(() => this.begin(now)); } },
    speed(now) { this.$refs.audio.playbackRate = now; },
    balance() { this.weigh(); },
  },
  created() {
    this.asked = new Map();
    this.number = 0;
    this.containers = null;
    this.heardMs = 0;
    this.sound = null;
  },
  mounted() {
    this.hide = () => this.leave();
    window.addEventListener("pagehide", this.hide);
    this.keys = (event) => {
      if (event.key === " " && this.length && !event.target.closest("input, select, textarea, button, a, label")) {
        event.preventDefault();
        this.toggle();
      }
    };
    window.addEventListener("keydown", this.keys);
    this.looks = new ResizeObserver(() => this.draw());
    this.looks.observe(this.$refs.wave);
    this.colours = new MutationObserver(() => this.draw());
    this.colours.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  },
  beforeUnmount() {
    this.leave();
    window.removeEventListener("pagehide", this.hide);
    window.removeEventListener("keydown", this.keys);
    this.looks.disconnect();
    this.colours.disconnect();
  },
  methods: {
    clock(seconds) {
      const whole = Math.max(0, Math.floor(seconds)), hours = Math.floor(whole / 3600), left = String(whole % 60).padStart(2, "0");
      const minutes = Math.floor(whole / 60) % 60;
      return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${left}` : `${minutes}:${left}`;
    },
    // The worker is told what to do, and answers once.
    tell(what, given, moved = []) {
      if (!this.worker) {
        this.worker = new Worker("/audit/assets/recording_worker.js", { type: "module" });
        this.worker.onmessage = ({ data }) => this.answered(data);
        this.worker.onerror = () => {
          for (const number of [...this.asked.keys()]) this.answered({ number, trouble: "This browser cannot decrypt recordings." });
        };
      }
      const number = ++this.number;
      this.worker.postMessage({ number, what, given }, moved);
      return new Promise((resolve, reject) => this.asked.set(number, { resolve, reject }));
    },
    answered({ number, answer, trouble }) {
      const waiting = this.asked.get(number);
      this.asked.delete(number);
      if (trouble) waiting?.reject(new Error(trouble));
      else waiting?.resolve(answer);
    },
    async choose() {
      const file = this.$refs.file.files[0];
      this.$refs.file.value = "";
      if (!file) return;
      this.troubles = [];
      this.print = "";
      try {
        this.print = (await this.tell("key", file)).fingerprint;
      } catch (error) {
        this.troubles = [error.message];
        return;
      }
      await this.decrypt();
    },
    forget() {
      this.worker?.terminate();
      this.worker = null;
      this.asked.clear();
      this.print = "";
      this.silence();
      this.status = this.playback ? "The key is forgotten. Choose it again to listen." : "The key is forgotten.";
    },
    async begin(playback) {
      this.note(this.ref);
      this.silence();
      this.containers = null;
      this.troubles = [];
      this.heard = this.heardMs = 0;
      this.ref = playback?.playback_ref;
      this.status = playback ? "" : "Choose a recording to listen to.";
      if (!playback) return;
      this.status = "Fetching the encrypted recording …";
      try {
        const parts = [];
        for (let part = 1; part <= playback.parts; part++) {
          const limit = AbortSignal.timeout(PART_MS);
          const response = await fetch(`/api/playbacks/${playback.playback_ref}/parts/${part}`, { signal: limit });
          if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? `The site answered ${response.status}.`);
          parts.push(await response.arrayBuffer());
        }
        if (this.ref !== playback.playback_ref) return;
        this.containers = parts;
      } catch (error) {
        this.fail(error);
        return;
      }
      await this.decrypt();
    },
    async decrypt() {
      if (!this.containers) return;
      if (!this.print) {
        this.status = "Choose your private key to listen. It stays in this page and is forgotten when you leave it.";
        return;
      }
      this.status = "Decrypting …";
      const of = this.ref;
      try {
        const sound = await this.tell("open", this.containers);
        if (of === this.ref) this.show(sound);
      } catch (error) {
        if (of === this.ref) this.fail(error);
      }
    },
    fail(error) {
      this.status = "";
      this.troubles = [error.message];
      this.opened = this.ref;
    },
    show(sound) {
      this.sound = sound;
      this.troubles = sound.troubles;
      this.length = sound.samples[0].length / sound.rate;
      this.at = 0;
      this.status = this.length ? "" : "Nothing can be heard of it.";
      this.url = URL.createObjectURL(wav(sound));
      this.$refs.audio.src = this.url;
      this.$refs.audio.playbackRate = this.speed;
      this.opened = this.ref; // told well or badly
      this.$nextTick(() => this.draw());
    },
    silence() {
      this.stopped();
      this.$refs.audio?.pause();
      this.$refs.audio?.removeAttribute("src");
      if (this.url) URL.revokeObjectURL(this.url);
      this.url = "";
      this.sound = null;
      this.length = this.at = 0;
    },
    toggle() {
      const { audio } = this.$refs;
      this.weigh();
      if (audio.paused) audio.play().catch((error) => { this.troubles = [`It cannot be played: ${error.message}`]; });
      else audio.pause();
    },
    // Each channel has a gain of its own; made with the first click, as browsers want it.
    weigh() {
      if (!this.gains) {
        if (!this.length) return;
        const context = this.context = new AudioContext(), splitter = context.createChannelSplitter(2), merger = context.createChannelMerger(2);
        context.createMediaElementSource(this.$refs.audio).connect(splitter);
        this.gains = [0, 1].map((channel) => {
          const gain = context.createGain();
          splitter.connect(gain, channel);
          gain.connect(merger, 0, channel);
          return gain;
        });
        merger.connect(context.destination);
      }
      if (this.context.state === "suspended") this.context.resume();
      this.gains[0].gain.value = Math.min(1, 1 - this.balance);
      this.gains[1].gain.value = Math.min(1, 1 + this.balance);
    },
    began() {
      this.playing = true;
      this.since = performance.now();
    },
    stopped() {
      if (this.playing) this.count();
      this.playing = false;
    },
    count() {
      const now = performance.now();
      this.heardMs += now - this.since;
      this.since = now;
      this.heard = this.heardMs / 1000;
    },
    moved() {
      if (this.playing) this.count();
      this.at = this.$refs.audio.currentTime;
      this.draw();
    },
    seek(seconds) {
      this.$refs.audio.currentTime = this.at = Math.max(0, Math.min(this.length, seconds));
      this.draw();
    },
    key(event) {
      const step = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30, Home: -Infinity, End: Infinity }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.seek(this.at + step);
    },
    point(event) {
      const box = this.$refs.wave.getBoundingClientRect();
      this.seek(this.length * (event.clientX - box.left) / box.width);
    },
    draw() {
      const { wave } = this.$refs, { sound } = this;
      if (!sound || !wave?.clientWidth) return;
      const scale = window.devicePixelRatio || 1, width = Math.round(wave.clientWidth * scale), height = Math.round(wave.clientHeight * scale);
      if (wave.width !== width || wave.height !== height) [wave.width, wave.height] = [width, height];
      if (this.peaksOf !== sound || this.peaksAt !== width) {
        this.peaks = sound.samples.map((plane) => peaks(plane, width));
        [this.peaksOf, this.peaksAt] = [sound, width];
      }
      const style = getComputedStyle(document.body), colour = (name) => style.getPropertyValue(`--${name}`).trim();
      const draw = wave.getContext("2d"), count = sound.samples[0].length, lane = height / sound.samples.length;
      draw.fillStyle = colour("raised");
      draw.fillRect(0, 0, width, height);
      draw.fillStyle = colour("line");
      for (const [from, to] of sound.silent) draw.fillRect(from / count * width, 0, Math.max(1, (to - from) / count * width), height);
      this.peaks.forEach((heights, channel) => {
        draw.fillStyle = colour(["busy", "ready", "wrap"][channel]);
        const middle = lane * (channel + 0.5);
        for (let x = 0; x < width; x++) {
          const tall = Math.max(scale, heights[x] * (lane - 6 * scale));
          draw.fillRect(x, middle - tall / 2, 1, tall);
        }
        draw.font = `${12 * scale}px system-ui, sans-serif`;
        draw.fillStyle = colour("raised");
        draw.fillRect(0, lane * channel, draw.measureText(NAMES[channel]).width + 16 * scale, 22 * scale);
        draw.fillStyle = colour("ink");
        draw.fillText(NAMES[channel], 8 * scale, lane * channel + 16 * scale);
      });
      draw.fillStyle = colour("alert");
      draw.fillRect(Math.min(width - 2 * scale, this.at / this.length * width), 0, 2 * scale, height);
    },
    putAway() {
      this.note(this.ref);
      this.ref = undefined;
      this.silence();
      this.containers = null;
      this.troubles = [];
      this.status = "Put away; how long you listened is noted.";
      this.$emit("done");
    },
    // Said once for each play-back, also while the page is being left.
    note(ref) {
      if (!ref || this.noted === ref) return;
      if (this.playing) this.count();
      this.noted = ref;
      const headers = { "content-type": "application/json" };
      if (this.csrf) headers["x-csrf-token"] = this.csrf;
      const body = JSON.stringify({ seconds: Math.round(this.heardMs / 100) / 10 });
      fetch(`/api/playbacks/${ref}/listened`, { method: "POST", headers, body, keepalive: true })
        .then((response) => { if (!response.ok) throw new Error(); })
        .catch(() => { this.troubles = ["How long you listened could not be noted."]; });
    },
    leave() {
      this.note(this.ref);
      this.ref = undefined;
      this.forget();
    },
  },
};

// The loudest sample of each column, 0-1.
function peaks(plane, width) {
  const found = new Float32Array(width), step = plane.length / width;
  for (let x = 0; x < width; x++) {
    let most = 0;
    for (let n = Math.floor(x * step), end = Math.max(n + 1, Math.floor((x + 1) * step)); n < end && n < plane.length; n++) {
      const loud = Math.abs(plane[n]);
      if (loud > most) most = loud;
    }
    found[x] = most / 32768;
  }
  return found;
}
