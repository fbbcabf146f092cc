// Alerts that nobody has looked at, the newest first; "choose" brings the number of the one that is seen.
export default {
  template: `
    <ul class="alert-rows">
      <li v-for="row in rows" :key="row.number" class="alert-row">
        <span class="pill tone-alert">{{ row.kind }}</span>
        <b>Agent {{ row.agent }}</b>
        <span class="alert-told">{{ row.told }}</span>
        <span class="alert-ago">{{ row.ago }}</span>
        <button type="button" class="alert-seen" :aria-label="'Seen: ' + row.kind + ', agent ' + row.agent" @click="$emit('choose', row.number)">Seen</button>
      </li>
    </ul>`,
  props: { rows: Array },
};
