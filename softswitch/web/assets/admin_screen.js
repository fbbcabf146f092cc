// The administrator's screen: steps on the left, the blocks of the chosen one on the right, as the server sends them.
// Text is set as text. What is typed stays here until it is sent; a form whose key changes begins anew.
const RATE = 8000;
const LONGEST_S = 60; // of a message that is recorded here; a longer one would be refused

const Fill = {
  template: `
  <form class="form" :aria-label="form.title" @submit.prevent="$emit('act', { what: form.id, values: { ...values } })">
    <h3 v-if="form.heading" class="form-title">{{ form.heading }}</h3>
    <div v-if="form.fields.length" class="form-fields">
      <div v-for="field in form.fields" :key="field.name" :class="['form-field', field.type === 'checkbox' ? 'is-check' : '']">
        <label :for="id(field)">{{ field.label }}</label>
        <select v-if="field.type === 'select'" :id="id(field)" class="field" :aria-describedby="field.hint ? id(field) + '-hint' : null" v-model="values[field.name]">
          <option v-for="[value, text] in field.choices" :key="value" :value="value">{{ text }}</option>
        </select>
        <input v-else-if="field.type === 'checkbox'" :id="id(field)" type="checkbox" v-model="values[field.name]" />
        <input v-else :id="id(field)" class="field" :type="field.type" :required="field.required" maxlength="256"
          :autocomplete="field.type === 'password' ? 'new-password' : 'off'" spellcheck="false"
          :placeholder="field.placeholder" :aria-describedby="field.hint ? id(field) + '-hint' : null" v-model="values[field.name]" />
        <p v-if="field.hint" class="form-hint" :id="id(field) + '-hint'">{{ field.hint }}</p>
      </div>
    </div>
    <div class="form-foot">
      <button v-for="[what, text, main] in form.buttons" :key="what" :class="['act', main ? 'act-main' : '']" :disabled="busy"
        :type="what === form.id ? 'submit' : 'button'" @click="what !== form.id && $emit('act', { what, values: { ...values } })">{{ text }}</button>
    </div>
  </form>`,
  props: { form: Object, busy: Boolean },
  emits: ["act"],
  data() {
    return { values: Object.fromEntries(this.form.fields.map((field) => [field.name, field.value ?? ""])) };
  },
  methods: { id(field) { return `${this.form.id}-${field.name}`; } },
};

const Send = {
  template: `
  <div class="send">
    <label class="send-label" :for="block.id">{{ block.label }}</label>
    <input :id="block.id" type="file" :accept="block.accept" :disabled="sending" @change="choose" />
    <button v-if="block.record" type="button" class="act" :disabled="sending" @click="record">{{ recorder ? "Stop recording" : "Record it here" }}</button>
    <button v-if="sound && !recorder && !sending" type="button" class="act" @click="listen">{{ player ? "Stop listening" : "Listen to it" }}</button>
    <span v-if="recorder" class="recording"><span role="status">Recording… speak now</span> {{ seconds }} of {{ longest }} s</span>
    <div v-if="sending" class="progress" role="progressbar" aria-label="Upload" aria-valuemin="0" aria-valuemax="100"
      :aria-valuenow="Math.round(100 * share)"><div :style="{ width: 100 * share + '%' }"></div></div>
    <p v-if="trouble" class="alert" role="alert">{{ trouble }}</p>
  </div>`,
  props: { block: Object, csrf: String },
  emits: ["act"],
  data: () => ({ sending: false, share: 0, trouble: "", recorder: null, seconds: 0, longest: LONGEST_S, sound: null, player: null }),
  beforeUnmount() { if (this.recorder) this.recorder.stop(); if (this.player) this.player.stop(); },
  methods: {
    choose(event) {
      const file = event.target.files[0];
      event.target.value = "";
      if (file) this.send(file, file.name);
    },
    send(content, name) {
      const request = new XMLHttpRequest();
      this.sound = this.block.record ? Vue.markRaw(content) : null;
      this.sending = true; this.share = 0; this.trouble = "";
      request.open("POST", `/api/admin/uploads?name=${encodeURIComponent(name)}`);
      request.setRequestHeader("x-csrf-token", this.csrf);
      request.upload.onprogress = (event) => { this.share = event.total ? event.loaded / event.total : 0; };
      request.onloadend = () => {
        this.sending = false;
        let told = {};
        try { told = JSON.parse(request.responseText); } catch { /* no answer, or none of ours */ }
        if (request.status === 200) this.$emit("act", { what: "uploaded", id: this.block.id, ref: told.upload_ref, name: told.name, size: told.size, columns: told.columns });
        else this.trouble = typeof told.detail === "string" ? told.detail : "The file did not arrive. Try again.";
      };
      request.send(content);
    },
    async listen() {
      if (this.player) { this.player.stop(); return; }
      const context = new AudioContext();
      try {
        const player = context.createBufferSource();
        player.buffer = await context.decodeAudioData(await this.sound.arrayBuffer());
        player.connect(context.destination);
        player.onended = () => { this.player = null; context.close(); };
        player.start();
        this.player = Vue.markRaw(player);
      } catch { context.close(); this.trouble = "The browser cannot play this file; the switch may be able to."; }
    },
    async record() {
      if (this.recorder) { this.recorder.stop(); return; }
      this.trouble = "";
      try {
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
        const parts = [], recorder = new MediaRecorder(stream);
        recorder.ondataavailable = (event) => parts.push(event.data);
        recorder.onstop = async () => {
          this.recorder = null;
          clearInterval(clock);
          stream.getTracks().forEach((track) => track.stop());
          try { this.send(wave(await samples(new Blob(parts))), "recorded.wav"); }
          catch { this.trouble = "The recording cannot be used. Try again, or upload a file."; }
        };
        recorder.start();
        this.recorder = recorder;
        this.seconds = 0;
        const clock = setInterval(() => { this.seconds += 1; if (this.seconds >= LONGEST_S && recorder.state === "recording") recorder.stop(); }, 1000);
      } catch { this.trouble = "There is no microphone, or the browser does not let it be used."; }
    },
  },
};

// A recording as one channel at 8 kHz.
async function samples(blob) {
  const context = new AudioContext();
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  context.close();
  const room = new OfflineAudioContext(1, Math.ceil(sound.duration * RATE), RATE);
  const source = room.createBufferSource();
  source.buffer = sound;
  source.connect(room.destination);
  source.start();
  return (await room.startRendering()).getChannelData(0);
}

// RIFF, 16-bit PCM.
function wave(floats) {
  const view = new DataView(new ArrayBuffer(44 + 2 * floats.length));
  const word = (at, text) => [...text].forEach((sign, n) => view.setUint8(at + n, sign.charCodeAt(0)));
  word(0, "RIFF"); view.setUint32(4, 36 + 2 * floats.length, true); word(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true); view.setUint32(28, 2 * RATE, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  word(36, "data"); view.setUint32(40, 2 * floats.length, true);
  floats.forEach((value, n) => view.setInt16(44 + 2 * n, Math.max(-1, Math.min(1, value)) * 32767, true));
  return new Blob([view.buffer], { type: "audio/wav" });
}

function name(element) { return element.id || element.getAttribute("aria-label") || element.textContent.trim(); }

export default {
  components: { Fill, Send },
  template: `
  <div class="admin">
    <header class="admin-top">
      <h1 class="site">{{ view.site }}</h1>
      <span class="account">{{ view.account }}</span>
      <p class="admin-notice" role="status"><span v-if="view.notice" :key="view.notices" :class="view.good ? 'is-good' : 'is-bad'">{{ view.notice }}</span></p>
      <a class="act" href="/">Wallboard</a>
      <button type="button" class="act act-round" aria-label="Switch between light and dark" @click="turn">◐</button>
      <form method="post" action="/logout"><button class="act" type="submit">Log out</button></form>
    </header>
    <div class="admin-columns">
      <nav class="steps-list" aria-label="Steps"><ol>
        <li v-for="step in view.steps" :key="step.id">
          <button type="button" :class="['step', step.id === view.step ? 'is-here' : '']" :aria-current="step.id === view.step ? 'step' : null"
            @click="$emit('act', { what: 'step', step: step.id })">
            <span class="step-name">{{ step.title }}</span>
            <span :class="['pill', step.done ? 'tone-ready' : 'tone-idle']">{{ step.done ? "done" : step.word }}</span>
          </button>
        </li></ol>
      </nav>
      <div class="admin-main">
        <section class="card" :aria-label="view.title">
          <h2 class="admin-title" tabindex="-1">{{ view.title }}</h2>
          <p class="lead">{{ view.lead }}</p>
          <template v-for="block in view.blocks" :key="block.key">
            <fill v-if="block.kind === 'form'" :form="block" :busy="view.busy" @act="act($event)"></fill>
            <send v-else-if="block.kind === 'upload'" :block="block" :csrf="view.csrf" @act="$emit('act', $event)"></send>
            <p v-else-if="block.kind === 'light'" class="light" role="status"><span :class="['pill', 'tone-' + block.tone]">{{ block.word }}</span> {{ block.text }}</p>
            <div v-else-if="block.kind === 'table'" class="table-room"><table>
              <caption>{{ block.caption }}</caption>
              <thead><tr><th v-for="name in block.head" :key="name" scope="col">{{ name }}<span v-if="!name" class="unseen">Actions</span></th></tr></thead>
              <tbody><tr v-for="row in block.rows" :key="row.id"><td v-for="(cell, n) in row.cells" :key="n">{{ cell }}</td>
                <td v-if="row.actions"><button v-for="[what, text] in row.actions" :key="what" type="button" class="act act-small" :disabled="view.busy"
                  :aria-label="text + ' ' + row.id" @click="act({ what, name: row.id })">{{ text }}</button></td></tr></tbody>
            </table></div>
            <div v-else-if="block.kind === 'progress'"><p class="form-hint">{{ block.text }}</p>
              <div class="progress" role="progressbar" :aria-label="block.text" aria-valuemin="0" aria-valuemax="100"
                :aria-valuenow="Math.round(100 * block.share)"><div :style="{ width: 100 * block.share + '%' }"></div></div></div>
            <ul v-else-if="block.kind === 'list'" :class="['told', block.tone ? 'tone-' + block.tone : '']" :aria-label="block.title"><li v-for="(item, n) in block.items" :key="n">{{ item }}</li></ul>
            <p v-else-if="block.kind === 'address'" class="said">{{ block.text }}<br><code class="address">{{ origin + block.path }}</code></p>
            <p v-else class="said">{{ block.text }}</p>
          </template>
          <p v-if="view.following" class="following"><button type="button" class="act" @click="$emit('act', { what: 'step', step: view.following[0] })">Next: {{ view.following[1] }} →</button></p>
        </section>
      </div>
    </div>
  </div>`,
  props: { view: Object },
  emits: ["act"],
  data: () => ({ origin: window.location.origin }),
  created() { this.from = null; },
  mounted() {
    this.$nextTick(() => ["disconnect", "connect_error"].forEach((event) => window.socket && window.socket.on(event, this.askWhetherLoggedIn)));
  },
  watch: {
    "view.download"(file) { if (file) this.save(file); },
    "view.step"() {
      window.scrollTo(0, 0);
      if (document.activeElement.closest(".following")) this.$el.querySelector(".admin-title").focus();
    },
  },
  updated() {
    // A form that begins anew takes the focus with it: it goes on where the person was.
    if (!this.from || this.view.busy || document.activeElement !== document.body) return;
    const main = this.$el.querySelector(".admin-main");
    const same = [...main.querySelectorAll("button, .field")].find((each) => !each.disabled && name(each) === this.from);
    (same || main.querySelector(".admin-title")).focus({ preventScroll: true });
    this.from = null;
  },
  methods: {
    act(told) { this.from = name(document.activeElement); this.$emit("act", told); },
    save(path) { const link = document.createElement("a"); link.href = path; link.download = ""; link.click(); },
    async askWhetherLoggedIn() {
      // As HTML: whoever is not logged in is led to the log-in page, also when the switch has begun again.
      const told = await fetch("/api/session", { headers: { Accept: "text/html" }, redirect: "manual" }).catch(() => null);
      if (!told || told.type !== "opaqueredirect") return; // the line is disturbed: the page connects again by itself
      window.onbeforeunload = null;
      window.location.assign("/login?next=/admin");
    },
    turn() { Quasar.Dark.toggle(); },
  },
};
