// The agent's screen. All it knows is the view that the server sends: the agent's state and the present node.
// Text is set as text; clocks run on from the last view.
const STATES = {
  ready: ["READY", "ready"], reserved: ["CALL IS COMING", "reserved"], "in call": ["IN CALL", "busy"],
  "wrap-up": ["WRAP-UP", "wrap"], paused: ["PAUSED", "paused"], offline: ["OFFLINE", "idle"],
};
const OTHERS = {
  callback: "Appointment", "opt-out": "Never to be called again", "over-quota": "Enough of these already",
  silence: "Nobody was heard", screened: "A call-screening assistant", "hung-up": "Hung up at once",
};
const CALL_ENDS = {
  "hung up": "The other end hung up.", machine: "An answering machine or a recording was there: the call was ended.",
  supervisor: "A supervisor ended the call.", stopped: "A supervisor stopped all calls.", "broke off": "The line broke off.",
};
const UNHEARD = {
  muted: "A supervisor has muted you: the callee does not hear you.",
  "taken over": "A supervisor talks to the callee. You hear and say nothing more in this call.",
};
const HEADSET_MS = 2000;
const NO_ANSWER = { dont_know: "Does not know", refused: "Would rather not say" };
const ENDINGS = {
  complete: "Complete", screened_out: "Not for this survey", over_quota: "Enough of these already", refused: "Refused",
  broken_off: "Broken off", appointment: "Appointment made", opted_out: "Never to be called again",
};

export default {
  template: `
  <div :class="['desk', 'tone-' + tone]">
    <header class="desk-top">
      <span class="desk-agent">Agent {{ page.agent }}</span>
      <h1 class="desk-state"><span role="status"><span class="desk-state-name">{{ stateName }}</span
        ><span v-if="page.code" class="desk-state-code">{{ page.code }}</span></span></h1>
      <span v-if="page.state !== 'offline'" class="desk-clock" role="timer" :aria-label="'Time in this state'">{{ clock(since) }}</span>
      <span v-if="page.pause_wanted" class="desk-hint">pause after this call</span>
      <p class="desk-notice" role="alert"><span v-if="view.notice" :key="view.notices">{{ view.notice }}</span>
        <span v-else-if="page.is_away">The callee waits while your headset is connected again.</span>
        <span v-else-if="told" :class="{ 'is-news': !page.unheard }">{{ told }}</span></p>
      <span v-if="page.calls" class="desk-hint">{{ page.calls }} {{ page.calls === 1 ? "call" : "calls" }} this shift</span>
      <button v-for="each in (elsewhere ? [] : view.scripts || [])" :key="each" class="act" @click="say('practise', { campaign: each })">Practise {{ each }}</button>
      <button v-if="canPause" class="act" @click="open('pauses')">{{ inCall ? "Pause after this call" : "Pause" }}</button>
      <button type="button" class="act act-round" aria-label="Switch between light and dark" @click="turn">◐</button>
      <form method="post" action="/logout"><button class="act" type="submit">Log out</button></form>
    </header>

    <section v-if="practice && !elsewhere" class="practice" aria-label="Practice">
      <strong class="practice-mark">PRACTICE</strong>
      <p v-if="practice.state === 'over'" class="practice-said">Nobody was called.</p>
      <p v-else class="practice-said" aria-live="polite"><template v-if="practice.said">Callee: <q>{{ practice.said }}</q></template>
        <template v-else>Nobody is called. Read out what stands here.</template></p>
      <audio v-if="practice.clip" :key="practice.clip + interview?.node" :src="'/api/training/voices/' + practice.clip" autoplay></audio>
      <button class="act" @click="say('leave-practice')">Stop practising</button>
    </section>

    <div class="desk-main desk-quiet" v-if="practiced">
      <section class="card practice-result" aria-label="What the practice call was worth">
        <h2 class="card-title">The callee {{ practice.callee }}</h2>
        <p class="practice-points"><span>{{ practice.points }}</span> of 100 · {{ practice.passed ? "passed" : "not passed" }}</p>
        <ul v-if="practice.remarks.length" class="practice-remarks"><li v-for="each in practice.remarks" :key="each">{{ each }}</li></ul>
        <p v-else>Everything as the script wants it.</p>
        <button class="act act-main act-big" @click="say('practise', { campaign: practice.campaign })">Next practice call</button>
      </section>
    </div>

    <div class="desk-main desk-quiet" v-if="elsewhere">
      <div class="waiting">
        <p class="waiting-word">Your page is open in another tab</p>
        <p class="waiting-hint">One tab at a time can be worked with.</p>
        <p class="waiting-hint"><button class="act act-main act-big" @click="say('use-here')">Go on in this tab</button></p>
      </div>
    </div>

    <div class="desk-main" v-show="setUp"><slot></slot></div>

    <div class="desk-main desk-quiet" v-if="preview">
      <section class="card preview" aria-label="Next to be called">
        <h2 class="card-title">Next to be called</h2>
        <p class="call-name">{{ page.call_ref }}</p>
        <dl class="fields"><template v-for="(value, name) in page.call.fields" :key="name"><dt>{{ name }}</dt><dd>{{ value }}</dd></template></dl>
        <div class="script-foot"><button class="act act-big" @click="say('skip')">Skip</button><span class="spacer"></span>
          <button class="act act-main act-big" @click="say('accept')">Call</button></div>
      </section>
    </div>

    <div class="desk-main desk-quiet" v-if="!elsewhere && !practiced && !setUp && !atWork && !preview">
      <div class="waiting">
        <div class="waiting-mark" aria-hidden="true"></div>
        <p class="waiting-word">{{ page.state === "ready" ? "Waiting for the next call" : page.state === "reserved" ? "A call is coming" : "You are on a pause" }}</p>
        <p class="waiting-hint">{{ page.state === "ready" ? "You hear a tone, and the script appears here." : page.state === "reserved" ? "You hear a tone, then the callee." : "Nobody is connected to you until you are ready." }}</p>
        <p v-if="page.state === 'paused'" class="waiting-act"><button class="act act-main act-big" @click="say('ready')">Ready</button></p>
      </div>
    </div>

    <div class="desk-main desk-work" v-if="atWork">
      <section class="card script" aria-label="Script">
        <template v-if="interview">
          <div class="script-head">
            <span class="script-name">{{ interview.script }}</span>
            <span v-if="interview.is_mandatory" class="mandatory">Must be read out</span>
            <span class="spacer"></span>
            <div class="progress" role="progressbar" aria-label="Progress of the interview" aria-valuemin="0" aria-valuemax="100"
              :aria-valuenow="Math.round(100 * interview.progress)"><div :style="{ width: 100 * interview.progress + '%' }"></div></div>
          </div>
          <form v-if="!interview.ending" class="script-form" @submit.prevent="next" :key="interview.call_ref + interview.node">
            <p class="words" id="words" ref="words" tabindex="-1">{{ interview.words }}</p>
            <p v-if="interview.note" class="script-note">{{ interview.note }}</p>
            <fieldset v-if="interview.choices.length" class="choices" aria-labelledby="words">
              <label v-for="(choice, n) in interview.choices" :key="choice.id" :class="['choice', { on: isOn(choice.id) }]">
                <input :type="interview.kind === 'single' ? 'radio' : 'checkbox'" name="answer" :value="choice.id"
                  :checked="isOn(choice.id)" @change="choose(choice)" />
                <span class="choice-text">{{ choice.text }}</span><kbd v-if="n < 9" aria-hidden="true">{{ n + 1 }}</kbd>
              </label>
            </fieldset>
            <div v-if="interview.kind === 'number'" class="typed">
              <input class="field field-number" inputmode="decimal" aria-labelledby="words" autocomplete="off" v-model="draft" @input="none = ''" />
              <span class="unit">{{ interview.unit }}</span><span class="unit">from {{ interview.at_least }} to {{ interview.at_most }}</span>
            </div>
            <div v-if="interview.kind === 'text'" class="typed">
              <textarea class="field" rows="3" aria-labelledby="words" autocomplete="off" :maxlength="interview.longest" v-model="draft"
                @input="none = ''" @keydown.enter.exact.prevent="next"></textarea>
              <span class="unit">{{ interview.longest - String(draft).length }} left; no names, numbers or addresses</span>
            </div>
            <div v-if="interview.no_answer.length" class="no-answers">
              <label v-for="each in interview.no_answer" :key="each" :class="['choice small', { on: none === each }]">
                <input type="radio" name="none" :checked="none === each" @change="choose({ id: each, none: true })" />
                <span class="choice-text">{{ noAnswer(each) }}</span></label>
            </div>
            <div class="script-foot">
              <button type="button" class="act act-big" :disabled="!interview.may_go_back" @click="say('back')">Back</button>
              <span class="spacer"></span>
              <span v-if="readFor > 0" class="desk-hint">read it out: {{ Math.ceil(readFor) }} s</span>
              <button type="submit" class="act act-main act-big" :disabled="!canGoOn">{{ interview.kind === "end" ? "Finish" : "Next" }} <kbd aria-hidden="true">↵</kbd></button>
            </div>
          </form>
          <div v-else class="script-form">
            <p class="ended">{{ ending }}</p>
            <p v-if="interview.words" class="words">{{ interview.words }}</p>
            <p v-if="page.state === 'in call'" class="script-note">Say goodbye, then end the call.</p>
          </div>
        </template>
        <div v-else class="script-form"><p class="waiting-hint">This call has no script.</p></div>
      </section>

      <aside class="side">
        <section class="card" aria-label="Call">
          <h2 class="card-title">Call</h2>
          <p class="call-name">{{ page.call_ref }}</p>
          <dl v-if="page.call" class="fields"><template v-for="(value, name) in page.call.fields" :key="name"><dt>{{ name }}</dt><dd>{{ value }}</dd></template></dl>
          <div v-if="interview && interview.may_send_digits" class="keys" role="group" aria-label="Keys towards the callee">
            <button v-for="key in '123456789*0#'" :key="key" type="button" class="key" @click="say('digit', { key })">{{ key }}</button>
          </div>
          <button v-if="page.state === 'in call'" class="act act-wide" :disabled="interview && !interview.ending" @click="say('end-call')">End the call</button>
        </section>
        <section v-if="page.state === 'in call'" class="card" aria-label="Away from the script">
          <h2 class="card-title">At any moment</h2>
          <button class="act act-wide" :disabled="over" @click="open('appointment')">Appointment</button>
          <button class="act act-wide" :disabled="over" @click="open('refused')">Refusal</button>
          <button class="act act-wide" :disabled="over" @click="open('broken_off')">Break off</button>
          <button class="act act-wide act-grave" @click="open('opt-out')">Never call again</button>
          <button v-if="!practice" class="act act-wide" @click="say('recognised')">The callee knows me</button>
        </section>
        <section v-if="page.state === 'wrap-up'" class="card wrap-card" aria-label="After the call">
          <h2 class="card-title">What came of it</h2>
          <p class="wrap-left" role="timer">{{ clock(wrapLeft) }} <span>left</span></p>
          <p v-if="noted" class="noted">Noted: {{ outcomeName }}</p>
          <details :open="!noted" class="outcomes">
            <summary>{{ noted ? "Something else came of it" : over ? "Nothing is noted yet: choose" : "Choose, or finish the script" }}</summary>
            <button v-for="each in view.outcomes" :key="each.id" :class="['act act-wide', { on: each.id === page.disposition }]"
              @click="say('outcome', { outcome: each.id })">{{ each.text }}</button>
            <button class="act act-wide" @click="open('appointment')">Appointment</button>
            <button class="act act-wide act-grave" @click="open('opt-out')">Never call again</button>
          </details>
          <button v-if="practice" class="act act-wide act-main" @click="say('practice-over')">Finish the practice call</button>
          <button v-else class="act act-wide act-main" @click="say('ready')">Ready for the next call</button>
        </section>
      </aside>
    </div>

    <dialog v-for="name in ['pauses', 'appointment', 'refused', 'broken_off', 'opt-out']" :key="name" :ref="name" class="sheet" :aria-label="titles[name]">
      <h2 class="sheet-title">{{ titles[name] }}</h2>
      <p class="sheet-text">{{ texts[name] }}</p>
      <form v-if="name === 'pauses'" method="dialog" class="sheet-actions">
        <button v-for="code in page.pause_codes" :key="code" class="act" @click="say('pause', { code })">{{ code }}</button>
        <button class="act">Cancel</button>
      </form>
      <form v-else-if="name === 'appointment'" method="dialog" @submit="appoint">
        <div class="sheet-fields">
          <label>Day <input class="field" type="date" required :min="today()" v-model="day" /></label>
          <label>Time at the callee's <input class="field" type="time" required v-model="time" /></label>
          <label class="choice small"><input type="checkbox" v-model="own" /> <span class="choice-text">I call back myself</span></label>
        </div>
        <div class="sheet-actions">
          <button class="act act-main" value="yes">Make the appointment</button><button class="act" value="no" formnovalidate>Cancel</button>
        </div>
      </form>
      <form v-else method="dialog" class="sheet-actions">
        <button :class="['act', name === 'opt-out' ? 'act-grave' : 'act-main']" @click="say(name)">Yes</button>
        <button class="act" autofocus>Cancel</button>
      </form>
    </dialog>
    <dialog ref="again" class="sheet" aria-label="Log in again" @cancel.prevent>
      <h2 class="sheet-title">Log in again</h2>
      <p class="sheet-text">Your call goes on, and the callee hears you. Type your PIN, and the script comes back.</p>
      <form @submit.prevent="logInAgain">
        <div class="sheet-fields"><label>PIN <input class="field" type="password" inputmode="numeric" autocomplete="off" required v-model="pin" autofocus /></label></div>
        <p class="desk-notice" role="alert"><span v-if="refused">{{ refused }}</span></p>
        <div class="sheet-actions"><button class="act act-main">Log in</button></div>
      </form>
    </dialog>
  </div>`,
  props: { view: Object },
  data() {
    return {
      chosen: [], draft: "", none: "", asked: "", now: performance.now(), seenAt: performance.now(),
      day: "", time: "", own: false, isLoggedOut: false, pin: "", refused: "",
      titles: {
        pauses: "Why do you pause?", appointment: "Appointment", refused: "Refusal", broken_off: "Break off",
        "opt-out": "Never call this person again?",
      },
      texts: {
        pauses: "In a call the pause begins after it.", appointment: "The day and time are those of the callee's clock.",
        refused: "The callee does not wish to take part. The interview ends.",
        broken_off: "The callee does not wish to go on. What was answered is kept, and the interview ends.",
        "opt-out": "The number is never dialled again, by any campaign, from now on. This cannot be taken back here.",
      },
    };
  },
  computed: {
    page() { return this.view.page; },
    interview() { return this.view.interview; },
    stateName() { return (STATES[this.page.state] || [this.page.state])[0]; },
    tone() { return (STATES[this.page.state] || ["", "idle"])[1]; },
    passed() { return Math.max(0, this.now - this.seenAt) / 1000; },
    since() { return this.page.since_s + this.passed; },
    wrapLeft() { return Math.max(0, this.page.wrap_up_left_s - this.passed); },
    readFor() { return this.interview ? this.interview.read_for_s - this.passed : 0; },
    inCall() { return this.page.state === "in call" || this.page.state === "reserved"; },
    practice() { return this.view.practice; },
    practiced() { return !this.elsewhere && Boolean(this.practice) && this.practice.state === "over"; },
    elsewhere() { return this.view.in_use === false; },
    canPause() { return !this.elsewhere && !this.practice && !this.page.pause_wanted && ["ready", "in call", "wrap-up"].includes(this.page.state); },
    setUp() { return !this.elsewhere && !this.practice && (this.page.state === "offline" || (this.page.state === "paused" && this.page.headset_test_due)); },
    atWork() { return !this.elsewhere && (this.page.state === "in call" || this.page.state === "wrap-up"); },
    preview() { return !this.elsewhere && this.page.state === "reserved" && this.page.call && this.page.call.is_shown_first; },
    over() { return Boolean(this.interview && this.interview.ending); },
    told() { return this.elsewhere ? "" : UNHEARD[this.page.unheard] || CALL_ENDS[this.page.ended] || ""; },
    ending() { return ENDINGS[this.interview.ending] || this.interview.ending; },
    noted() { return this.page.disposition !== "" && this.page.disposition !== "connected"; }, // which the switch says of every call that somebody answered
    outcomeName() {
      const own = this.view.outcomes.find((each) => each.id === this.page.disposition);
      return own ? own.text : OTHERS[this.page.disposition] || this.page.disposition;
    },
    canGoOn() {
      if (this.readFor > 0) return false;
      if (["statement", "end"].includes(this.interview.kind) || this.none) return true;
      if (this.interview.choices.length) return this.chosen.length > 0;
      return String(this.draft).trim() !== "";
    },
  },
  watch: {
    view: {
      immediate: true,
      handler(view) {
        this.seenAt = this.now = performance.now();
        const interview = view.interview;
        const asked = interview ? `${interview.call_ref} ${interview.node}` : "";
        if (asked === this.asked) return;
        this.asked = asked;
        const answer = interview ? interview.answer : null;
        this.none = interview && interview.no_answer.includes(answer) ? answer : "";
        this.chosen = this.none || !interview || !interview.choices.length || answer === null ? [] : [].concat(answer);
        this.draft = this.none || answer === null || this.chosen.length ? "" : answer;
        this.$nextTick(() => {
          const field = this.$el && this.$el.querySelector && this.$el.querySelector("input.field:not(dialog *), textarea.field");
          if (field && !this.isAsking()) field.focus();
          else if (this.$refs.words && !this.isAsking()) this.$refs.words.focus({ preventScroll: true });
        });
      },
    },
  },
  mounted() {
    this.ticking = setInterval(() => { this.now = performance.now(); }, 250);
    window.addEventListener("keydown", this.press);
    this.$nextTick(() => ["disconnect", "connect_error"].forEach((event) => window.socket && window.socket.on(event, this.askWhetherLoggedIn)));
  },
  unmounted() {
    clearInterval(this.ticking);
    clearTimeout(this.asksAgain);
    window.removeEventListener("keydown", this.press);
  },
  methods: {
    say(what, more) { this.$emit("act", { what, ...more }); },
    async askWhetherLoggedIn() {
      // As HTML: whoever is not logged in is led to the log-in page, and no browser asks for a password of its own.
      const told = await fetch("/api/session", { headers: { Accept: "text/html" }, redirect: "manual" }).catch(() => null);
      if (!told || told.type !== "opaqueredirect") { // the line is disturbed: the page connects again by itself
        clearTimeout(this.asksAgain);
        if (!window.socket.connected) this.asksAgain = setTimeout(this.askWhetherLoggedIn, HEADSET_MS);
        return;
      }
      if (this.isLoggedOut) return;
      this.isLoggedOut = true;
      window.socket.disconnect(); // or it would go on trying, and have the browser ask whether to leave the page
      // With the page goes the headset: while a callee is heard by it, the PIN is asked for right here.
      if (this.page.state === "in call" && !this.practice && (await this.isHeadsetUp())) {
        this.$refs.again.showModal();
        return;
      }
      window.onbeforeunload = null;
      window.location.assign("/login?next=/agent");
    },
    async isHeadsetUp() {
      // Where the switch has ended the headset with the log-in, the browser knows a moment later; and while the switch
      // was away nobody has told the browser that the line is there.
      for (let looks = 0; looks < 8; looks += 1) {
        await new Promise((later) => setTimeout(later, HEADSET_MS));
        const state = window.headsetLine ? window.headsetLine.connectionState : "closed";
        if (state !== "disconnected") return state === "connected";
      }
      return false;
    },
    async logInAgain() {
      const words = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name: this.page.agent, password: this.pin }) };
      const answer = await fetch("/api/login", words).catch(() => null);
      this.pin = "";
      if (!answer) { this.refused = "Nobody answers yet. Try again."; return; }
      if (!answer.ok) { this.refused = answer.status === 401 ? "This is not your PIN." : (await answer.json()).detail; return; }
      window.onbeforeunload = null;
      window.location.reload(); // the headset is connected again by itself, as after any reload
    },
    today() {
      const yesterday = new Date(Date.now() - 864e5); // it may still be yesterday at the callee's
      return yesterday.toISOString().slice(0, 10);
    },
    noAnswer(each) { return NO_ANSWER[each] || each; },
    turn() { Quasar.Dark.toggle(); },
    dialogOf(name) { return [].concat(this.$refs[name])[0]; },
    open(name) { this.dialogOf(name).showModal(); },
    isAsking() { return Boolean(document.querySelector("dialog[open]")); },
    isOn(id) { return this.chosen.includes(id); },
    choose(choice) {
      if (choice.none) { this.none = choice.id; this.chosen = []; this.draft = ""; return; }
      this.none = "";
      if (this.interview.kind === "single") { this.chosen = [choice.id]; return; }
      const alone = this.interview.choices.filter((each) => each.alone).map((each) => each.id);
      if (this.isOn(choice.id)) this.chosen = this.chosen.filter((each) => each !== choice.id);
      else if (choice.alone) this.chosen = [choice.id];
      else this.chosen = [...this.chosen.filter((each) => !alone.includes(each)), choice.id];
    },
    next() {
      if (!this.canGoOn) return;
      const kind = this.interview.kind;
      let answer = null;
      if (this.none) answer = this.none;
      else if (kind === "single") answer = this.chosen[0];
      else if (kind === "multiple") answer = [...this.chosen];
      else if (kind === "number" || kind === "text") answer = String(this.draft);
      this.say("answer", { node: this.interview.node, answer });
    },
    appoint(event) {
      if (event.submitter && event.submitter.value === "yes") this.say("appointment", { day: this.day, time: this.time, own: this.own });
    },
    press(event) {
      if (!this.atWork || !this.interview || this.interview.ending || this.isAsking()) return;
      if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input.field, textarea")) return;
      const choice = this.interview.choices[Number(event.key) - 1];
      if (choice) { this.choose(choice); event.preventDefault(); }
      else if (event.key === "Enter" && !event.target.matches("button, a")) { this.next(); event.preventDefault(); }
    },
    clock(seconds) {
      const whole = Math.floor(seconds), two = (number) => String(number).padStart(2, "0");
      const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
      return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
    },
  },
};
