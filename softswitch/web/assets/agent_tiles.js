// One tile an agent. The rows are made on the server; Vue changes in place what differs.
export default {
  template: `
    <div class="agent-grid">
      <button v-for="row in rows" :key="row.agent" type="button" :class="['agent', 'tone-' + row.tone]"
          @click="$emit('choose', row.agent)">
        <span class="agent-head">
          <span class="agent-name">{{ row.agent }}</span><span class="agent-clock">{{ row.clock }}</span>
        </span>
        <span class="agent-foot">
          <span class="agent-state">{{ row.state }}</span><span class="agent-calls">{{ row.calls }}</span>
        </span>
      </button>
    </div>`,
  props: { rows: Array },
};
