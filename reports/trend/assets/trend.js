// Draws the lines from the JSON beside them. Nothing here makes markup from
// text: ECharts draws on a canvas, and tooltips are escaped first.
(function () {
  "use strict";
  const root = document.documentElement;
  const drawn = [];
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const figure = (v) => Number(v.toPrecision(5)).toLocaleString("en");
  const time = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ") + " UTC";

  function told(p) {
    if (p.componentType === "markLine") return `change point ${escape(p.name)}: ${time(p.value)}`;
    const [at, value, low, high, id] = p.value;
    return `${time(at)}<br>${figure(value)} (${figure(low)} to ${figure(high)})<br>record ${escape(id)}`;
  }

  function themed(options) {
    const ink = dark() ? "#c9d1d9" : "#3b4350";
    const rule = dark() ? "#30363d" : "#e3e7ec";
    for (const axis of [].concat(options.xAxis || [], options.yAxis || [])) {
      axis.axisLabel = Object.assign({}, axis.axisLabel, { color: ink, fontSize: 12, hideOverlap: true });
      axis.nameTextStyle = { color: ink };
      axis.axisLine = { lineStyle: { color: rule } };
      axis.splitLine = { lineStyle: { color: rule } };
      axis.axisTick = { show: false };
    }
    for (const series of options.series) {
      series.silent = series.name === "low" || series.name === "interval";
    }
    options.useUTC = true;
    options.backgroundColor = "transparent";
    options.tooltip = { confine: true, formatter: told };
    return options;
  }

  function draw(holder) {
    const source = document.getElementById(holder.dataset.options);
    const chart = echarts.init(holder, null, { renderer: "canvas" });
    chart.setOption(themed(JSON.parse(source.textContent)));
    const series = chart.getOption().series;
    holder.dataset.drawn = String(series[series.length - 1].data.length);
    holder.dataset.marks = String(((series[series.length - 1].markLine || {}).data || []).length);
    drawn.push({ chart, source });
  }

  function again() {
    for (const { chart, source } of drawn) {
      chart.setOption(themed(JSON.parse(source.textContent)), true);
    }
  }

  document.querySelectorAll(".chart").forEach(draw);
  addEventListener("resize", () => drawn.forEach(({ chart }) => chart.resize()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.querySelectorAll("[data-toggle-theme]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      again();
    });
  });
  root.dataset.ready = String(drawn.length);
})();
