// One row a call, keyed by its call reference: a click can never reach the call that took its place.
export default {
  template: `
    <div class="call-rows" role="table" aria-label="Calls in progress">
      <div class="call call-head" role="row">
        <span v-for="name in ['State', 'Reference', 'Agent', 'Callee', 'AMD', 'Time', '']" role="columnheader">{{ name }}<span v-if="!name" class="unseen">End</span></span>
      </div>
      <div role="rowgroup">
        <div v-if="!rows.length" class="call call-none" role="row"><span role="cell">No call is in progress.</span></div>
        <div v-for="row in rows" :key="row.call_ref" class="call" role="row">
          <span role="cell"><span :class="['pill', 'tone-' + row.tone]">{{ row.state }}</span></span>
          <span role="cell" class="call-ref">{{ row.call_ref }}</span>
          <span role="cell">{{ row.agent }}</span>
          <span role="cell" class="call-callee">{{ row.callee }}</span>
          <span role="cell" class="call-verdict">{{ row.verdict }}</span>
          <span role="cell" class="call-clock">{{ row.clock }}</span>
          <span role="cell"><q-btn flat round dense size="sm" icon="call_end" class="call-end"
            :aria-label="'End call ' + row.call_ref" @click="$emit('choose', row.call_ref)" /></span>
        </div>
      </div>
    </div>`,
  props: { rows: Array },
};
