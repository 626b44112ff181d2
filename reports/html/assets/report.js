// Draws the charts from the JSON beside them. Nothing here makes markup from
// text: ECharts draws on a canvas, and tooltips are escaped first.
(function () {
  "use strict";
  const root = document.documentElement;
  const drawn = [];
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const figure = (v) => (typeof v === "number" ? Number(v.toPrecision(4)).toLocaleString("en") : escape(v));

  function themed(options) {
    const ink = dark() ? "#c9d1d9" : "#3b4350";
    const rule = dark() ? "#30363d" : "#e3e7ec";
    for (const axis of [].concat(options.xAxis || [], options.yAxis || [])) {
      axis.axisLabel = Object.assign({}, axis.axisLabel, { color: ink, fontSize: 12, hideOverlap: true });
      axis.nameTextStyle = { color: ink };
      axis.axisLine = { lineStyle: { color: rule } };
      axis.splitLine = { lineStyle: { color: rule } };
      axis.axisTick = { show: false };
      if (axis.type === "value") axis.min = 0;
    }
    if (options.legend) options.legend.textStyle = { color: ink };
    options.backgroundColor = "transparent";
    options.tooltip = {
      confine: true,
      formatter: (p) => `${escape(p.seriesName)}: ${[].concat(p.value).map(figure).join(", ")}`,
    };
    return options;
  }

  function draw(holder) {
    const source = document.getElementById(holder.dataset.options);
    const chart = echarts.init(holder, null, { renderer: "canvas" });
    chart.setOption(themed(JSON.parse(source.textContent)));
    const points = chart.getOption().series.reduce((n, s) => n + (s.data || []).length, 0);
    holder.dataset.drawn = String(points);
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
