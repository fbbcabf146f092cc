// A teacher chooses whom an agent practises with; "begin" brings agent, campaign and scenario.
export default {
  template: `
    <form class="practice-choice" @submit.prevent="$emit('begin', { agent, campaign, scenario })">
      <label>Agent <select class="field" v-model="agent" required>
        <option value="" disabled>Choose…</option>
        <option v-for="each in agents" :key="each.agent" :value="each.agent" :disabled="!each.away">{{ each.agent }} ({{ each.state }})</option></select></label>
      <label>Script <select class="field" v-model="campaign" required>
        <option v-for="each in campaigns" :key="each" :value="each">{{ each }}</option></select></label>
      <label>The callee <select class="field" v-model="scenario" required>
        <option value="" disabled>Choose…</option>
        <option v-for="each in scenarios" :key="each.name" :value="each.name">{{ each.title }}</option></select></label>
      <button type="submit" class="act act-main" :disabled="!agent || !campaign || !scenario">Begin the practice call</button>
    </form>`,
  props: { agents: Array, campaigns: Array, scenarios: Array },
  data() {
    return { agent: "", campaign: (this.campaigns || [""])[0] || "", scenario: "" };
  },
};
