// One tile an agent. The rows are made on the server; Vue changes in place what differs.
export default {
  template: `
    <div class="agent-grid">
      <div v-for="row in rows" :key="row.agent" :class="['agent', 'tone-' + row.tone]">
        <button type="button" class="agent-open" @click="$emit('choose', row.agent)">
          <span class="agent-head">
            <span class="agent-name">{{ row.agent }}</span><span class="agent-state">{{ row.state }}</span><span class="agent-clock">{{ row.clock }}</span>
          </span>
          <span class="agent-line" :title="[row.warning, row.node, row.told].filter(Boolean).join(' ')">
            <span v-if="row.warning" class="agent-warning">{{ row.warning }}</span>
            <span v-if="row.node" class="agent-node">{{ row.node }}</span>
            <span v-if="!row.warning">{{ row.told || row.calls }}</span>
          </span>
        </button>
        <span v-if="row.buttons" class="agent-watch">
          <span v-if="row.call_ref" class="levels" role="img" :aria-label="row.levels" :title="row.levels">
            <span class="ear-level"><i :style="{ height: row.agent_level + '%' }"></i></span>
            <span class="ear-level"><i :style="{ height: row.callee_level + '%' }"></i></span>
          </span>
          <span v-else class="levels"></span>
          <button v-for="each in buttons" :key="each.what" type="button" :data-what="each.what" :class="['watch', { 'is-on': isOn(row, each) }]"
              :aria-label="each.name + ' agent ' + row.agent" :aria-pressed="each.what === 'end' ? null : isOn(row, each)" :title="each.name"
              @click="$emit('watch', { agent: row.agent, what: each.what, call_ref: row.call_ref })">
            <i class="q-icon material-icons" aria-hidden="true">{{ each.icon }}</i>
          </button>
        </span>
        <span v-if="row.others" class="agent-others">{{ row.others }}</span>
      </div>
    </div>`,
  props: { rows: Array },
  data() {
    return {
      buttons: [
        { what: "listen", icon: "hearing", name: "Listen to" },
        { what: "whisper", icon: "record_voice_over", name: "Whisper to" },
        { what: "barge", icon: "groups", name: "Barge in on" },
        { what: "take_over", icon: "swap_calls", name: "Take over the call of" },
        { what: "mute", icon: "mic_off", name: "Mute" },
        { what: "end", icon: "call_end", name: "End the call of" },
      ],
    };
  },
  methods: {
    isOn(row, button) {
      return button.what === "mute" ? row.muted !== "" : row.mine === button.what;
    },
  },
};
