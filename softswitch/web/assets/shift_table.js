// The shift by the hour, for whoever reads better than looks.
export default {
  template: `
    <table>
      <thead><tr><th v-for="name in ['From', 'Dials', 'Conversations', 'Missed', 'Missed today', 'Agents in calls']" scope="col">{{ name }}</th></tr></thead>
      <tbody><tr v-for="row in rows" :key="row.hour">
        <th scope="row">{{ row.hour }}</th><td>{{ row.dials }}</td><td>{{ row.conversations }}</td><td>{{ row.missed }}</td><td>{{ row.rate }}</td><td>{{ row.talking }}</td>
      </tr></tbody>
    </table>`,
  props: { rows: Array },
};
