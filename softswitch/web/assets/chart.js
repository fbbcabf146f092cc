// A chart. ECharts is a megabyte: the browser fetches it once the page is drawn, and nobody waits for it.
const IDLE_MS = 1000;

export default {
  template: `<div></div>`,
  props: { options: Object, renderer: String, enable3d: Boolean, theme: String },
  async mounted() {
    await new Promise((idle) => (window.requestIdleCallback || setTimeout)(idle, { timeout: IDLE_MS }));
    const { echarts } = await import("nicegui-echart");
    if (!this.$el.isConnected) return;
    this.chart = echarts.init(this.$el, null, { renderer: this.renderer });
    this.resizing = new ResizeObserver(() => this.chart.resize());
    this.resizing.observe(this.$el);
    this.update_chart();
  },
  beforeUnmount() {
    if (!this.chart) return;
    this.resizing.disconnect();
    this.chart.dispose();
  },
  methods: {
    update_chart() {
      // Another number of series is another chart: what the one before had is not to shine through.
      const before = this.chart?.getOption()?.series?.length;
      this.chart?.setOption(this.options, { notMerge: before !== this.options.series?.length });
    },
  },
};
