// A table of finished texts; a row may have buttons, which bring the row's id. Text is set as text.
export default {
  template: `
    <div class="records" tabindex="0" role="region" :aria-label="caption">
      <table>
        <caption class="unseen">{{ caption }}</caption>
        <thead><tr><th v-for="name in columns" :key="name" scope="col">{{ name }}</th><th v-if="hasActions" scope="col"><span class="unseen">Actions</span></th></tr></thead>
        <tbody>
          <tr v-for="row in rows" :key="row.id" :class="{ chosen: row.id === chosen }">
            <td v-for="(cell, n) in row.cells" :key="n" :class="cell.look"><span v-if="cell.tone" :class="['pill', 'tone-' + cell.tone]">{{ cell.text }}</span><template v-else>{{ cell.text }}</template></td>
            <td v-if="hasActions" class="records-actions"><button v-for="action in row.actions" :key="action.what" type="button" class="act"
              :aria-label="action.label" @click="choose(row, action)">{{ action.text }}</button></td>
          </tr>
          <tr v-if="!rows.length"><td :colspan="columns.length + 1" class="records-none">{{ empty }}</td></tr>
        </tbody>
      </table>
    </div>`,
  props: { columns: Array, rows: Array, caption: String, empty: String, chosen: String },
  emits: ["choose"],
  created() { this.chose = false; },
  updated() {
    // A button that has done its work takes the focus with it: it goes on at the table.
    if (this.chose && document.activeElement === document.body) this.$el.focus({ preventScroll: true });
    this.chose = this.chose && document.activeElement !== this.$el;
  },
  methods: {
    choose(row, action) {
      this.chose = true;
      this.$emit("choose", { id: row.id, what: action.what });
    },
  },
  computed: {
    hasActions() {
      return this.rows.some((row) => row.actions?.length);
    },
  },
};
