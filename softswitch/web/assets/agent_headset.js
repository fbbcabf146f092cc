// The browser as headset, and its test: a tone to hear, a level to see. Then its offer goes to the switch (WebRTC).
const LOUD = 0.06; // of full scale: a voice at arm's length is well over it, a silent room is not
const VOICE = 40; // of 100, on a meter that is empty at -60 dBov: -36 dBov, ten below usual speech
const GATHER_MS = 1500;
const KEPT = "softswitch-headset"; // in the browser's storage: the microphone of a shift that has begun

export default {
  template: `
  <section class="card headset" aria-label="Headset">
    <h2 class="card-title">Your headset</h2>
    <ol class="steps">
      <li>
        <h3>Connect</h3>
        <div class="headset-ways">
          <button type="button" :class="['act act-big', { 'act-main': !page.has_phone && !canTest }]" :disabled="busy" @click="listen">Use this browser</button>
          <button v-if="page.has_phone && !page.is_line_up" :class="['act act-big', { 'act-main': !canTest }]" type="button" @click="say('ring-phone')">Ring my phone</button>
          <button v-if="page.has_phone && page.is_line_up && !stream" type="button" class="act act-big" @click="say('log-out-phone')">Hang up my phone</button>
        </div>
        <label v-if="devices.length" class="device">Microphone
          <select class="field" v-model="device" @change="listen"><option v-for="each in devices" :key="each.deviceId" :value="each.deviceId">{{ each.label || "Microphone" }}</option></select>
        </label>
        <p v-if="page.has_phone && !stream" class="desk-hint">Pick up your phone when it rings, or dial <b>login</b> on it.</p>
      </li>
      <li :class="{ waits: !canTest }">
        <h3>Listen</h3>
        <div class="headset-ways"><button type="button" :class="['act act-big', { 'act-main': canTest && !played }]" :disabled="!canTest" @click="tone">Play the tone</button>
        <label class="choice small"><input type="checkbox" v-model="heard" :disabled="!played" /><span class="choice-text">I hear it</span></label></div>
      </li>
      <li :class="{ waits: !canTest }">
        <h3>Speak</h3>
        <div v-if="isMeasured" class="level" role="meter" aria-label="Level of your voice" aria-valuemin="0" aria-valuemax="100" :aria-valuenow="shown">
          <div class="level-fill" :style="{ width: shown + '%' }"></div></div>
        <p class="desk-hint">{{ !isMeasured ? (page.is_line_up ? "Your phone is heard by the switch." : "Say a few words.") : spoke ? "We hear you." : "Say a few words: the bar must move." }}</p>
      </li>
    </ol>
    <p class="desk-notice" role="alert"><span v-if="trouble || page.unheard">{{ trouble || "Say a few words more: the switch does not hear you yet." }}</span></p>
    <button type="button" class="act act-main act-big act-wide" :disabled="!canBegin || busy" @click="begin">{{ finish }}</button>
    <audio ref="audio" autoplay></audio>
  </section>`,
  props: {
    page: { type: Object, default: () => ({}) },
    seat_at: { type: String, default: "/api/agent/headset" },
    finish: { type: String, default: "Begin the shift" },
  },
  data() {
    return { stream: null, devices: [], device: "", level: 0, spoke: false, played: false, heard: false, busy: false, trouble: "" };
  },
  computed: {
    canTest() { return Boolean(this.stream) || this.page.is_line_up; },
    // Of a phone the switch tells the level; where it measures none, the agent's word for the tone must do.
    isMeasured() { return Boolean(this.stream) || (this.page.is_line_up && Number.isFinite(this.page.voice)); },
    shown() { return Math.round(this.stream ? Math.min(100, 220 * this.level) : this.page.voice); },
    canBegin() { return this.canTest && this.heard && (!this.isMeasured || this.spoke); },
  },
  watch: {
    "page.voice"(voice) {
      if (!this.stream && voice >= VOICE) this.spoke = true;
    },
    "page.is_line_up"() { if (!this.stream) this.spoke = false; },
    "page.is_away"(away) {
      if (away) this.hangUp(); // the switch has lost this headset, whatever the browser thinks of it
      this.resume();
    },
    "page.state"(state) {
      if (state === "offline") { this.hangUp(); localStorage.removeItem(KEPT); this.heard = this.played = this.spoke = false; }
    },
  },
  mounted() { this.resume(); },
  unmounted() { this.hangUp(); this.silence(); },
  methods: {
    say(what) { this.$emit("act", { what }); },
    async listen() {
      this.trouble = "";
      this.silence();
      try {
        const wanted = this.device ? { deviceId: { exact: this.device } } : true;
        this.stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
        this.devices = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "audioinput");
        this.device = this.stream.getAudioTracks()[0].getSettings().deviceId || "";
      } catch (error) {
        this.trouble = "The microphone cannot be used: allow it in the browser, and plug the headset in.";
        return;
      }
      this.context = this.context || new AudioContext();
      const ear = this.context.createAnalyser();
      this.context.createMediaStreamSource(this.stream).connect(ear);
      const samples = new Float32Array(ear.fftSize);
      this.measuring = setInterval(() => {
        ear.getFloatTimeDomainData(samples);
        this.level = Math.max(...samples.map(Math.abs));
        if (this.level > LOUD) this.spoke = true;
      }, 100);
    },
    silence() {
      clearInterval(this.measuring);
      if (this.stream && !this.connection) this.stream.getTracks().forEach((track) => track.stop());
      this.stream = null;
      this.level = 0;
    },
    tone() {
      this.played = true;
      if (!this.stream) { this.say("test-tone"); return; }
      const gain = this.context.createGain(), begins = this.context.currentTime;
      gain.gain.value = 0.1;
      gain.connect(this.context.destination);
      [440, 587.3].forEach((frequency, n) => {
        const voice = this.context.createOscillator();
        voice.frequency.value = frequency;
        voice.connect(gain);
        voice.start(begins + 0.35 * n);
        voice.stop(begins + 0.35 * n + 0.3);
      });
    },
    async begin() {
      this.say("tested");
      if (this.stream) await this.seat();
    },
    // The page was loaded anew in a call, whose callee waits: there is no time for a test, which was passed before.
    async resume() {
      const kept = localStorage.getItem(KEPT);
      if (!this.page.is_away || this.page.in_use === false || kept === null || this.connection || this.busy) return;
      this.device = kept;
      this.busy = true;
      await this.listen();
      if (this.stream) await this.seat();
      this.busy = false;
    },
    async seat() {
      this.busy = true;
      try {
        const connection = new RTCPeerConnection();
        this.connection = window.headsetLine = connection;
        this.stream.getTracks().forEach((track) => connection.addTrack(track, this.stream));
        connection.ontrack = (event) => { this.$refs.audio.srcObject = event.streams[0] || new MediaStream([event.track]); };
        await connection.setLocalDescription(await connection.createOffer());
        await new Promise((ready) => {
          const done = () => connection.iceGatheringState === "complete" && ready();
          connection.addEventListener("icegatheringstatechange", done);
          setTimeout(ready, GATHER_MS);
          done();
        });
        const answer = await fetch(this.seat_at, {
          method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(connection.localDescription.toJSON()),
        });
        const told = await answer.json();
        if (!answer.ok) throw new Error(told.detail);
        await connection.setRemoteDescription(told);
        window.onbeforeunload = () => true;
        localStorage.setItem(KEPT, this.device);
      } catch (error) {
        this.trouble = error.message || "The headset cannot be connected.";
        this.hangUp();
      }
      this.busy = false;
    },
    hangUp() {
      window.onbeforeunload = null;
      if (this.connection) { this.connection.close(); this.connection = window.headsetLine = null; }
    },
  },
};
