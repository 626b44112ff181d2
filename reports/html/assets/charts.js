// Draws the charts. ECharts draws on a canvas; tooltips are its only markup, and
// every text in them is escaped first.
const escape = (text) => String(text).replace(/[&<>"'`]/g, (c) => `&#${c.charCodeAt(0)};`);
const digits = (v) => (typeof v === "number" ? Number(v.toPrecision(4)).toLocaleString("en") : escape(v));

// resolved replaces names of colours by the colours of the page's style.
function resolved(value, key) {
  if (typeof value === "string") return /color/i.test(key) && value.startsWith("--") ? styled(value) : value;
  if (Array.isArray(value)) return value.map((v) => resolved(v, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolved(v, k)]));
}

function axes(options) {
  const ink = styled("--soft"), rule = styled("--rule");
  for (const axis of [].concat(options.xAxis || [], options.yAxis || [])) {
    axis.axisLabel = Object.assign({}, axis.axisLabel, { color: ink, fontSize: 12, hideOverlap: true });
    axis.nameTextStyle = { color: ink, fontSize: 12 };
    axis.axisLine = { lineStyle: { color: rule } };
    axis.splitLine = { lineStyle: { color: rule, width: 1 } };
    axis.axisTick = { show: false };
    if (axis.type === "value") axis.min = 0;
    if (axis.type === "log") axis.logBase = 2;
    if (axis.type === "category") axis.axisLabel.color = styled("--ink");
  }
  for (const axis of [].concat(options.yAxis || [])) {
    axis.nameTextStyle.align = axis.nameLocation === "middle" ? "center" : "left";
    axis.nameTextStyle.padding = [0, 0, 0, -4];
    if (axis.type === "category") {
      axis.axisLabel.width = Math.min(170, innerWidth * 0.3);
      axis.axisLabel.overflow = "truncate";
    }
  }
}

function tip(params) {
  const list = [].concat(params);
  const value = (p) => [].concat(p.value).filter((v) => v !== p.seriesName).map(digits);
  if (list.length === 1 && list[0].componentType !== "series") return "";
  const lines = list.map((p) => `${escape(p.seriesName)}: ${value(p).reverse().join(" · ")}`);
  return lines.join("<br>");
}

function themed(source, hidden, runners) {
  const options = resolved(source, "");
  for (const s of options.series) if (s.data && s.data.x) s.data = s.data.x.map((x, i) => [x, s.data.y[i]]);
  const owner = (s) => Number(/^r(-?\d+)/.exec(s.id)[1]);
  options.series = options.series.filter((s) => !hidden.has(owner(s)));
  const gone = new Set([...hidden].map((i) => runners[i]));
  for (const axis of [].concat(options.yAxis)) {
    if (axis.type !== "category") continue;
    axis.data = axis.data.filter((name) => !gone.has(name));
    for (const s of options.series) s.data = s.data.filter((d) => !gone.has((d.value || d)[1]));
  }
  axes(options);
  Object.assign(options.legend, { textStyle: { color: styled("--ink") }, pageTextStyle: { color: styled("--soft") },
    pageIconColor: styled("--link"), pageIconInactiveColor: styled("--rule"), icon: undefined });
  options.backgroundColor = "transparent";
  options.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily };
  Object.assign(options.tooltip, { confine: true, formatter: tip, backgroundColor: styled("--paper"), borderColor: styled("--rule"),
    textStyle: { color: styled("--ink"), fontSize: 13 } });
  return options;
}

// Charts are drawn when they come near. Where many are drawn, those that are far
// are let go: a page of hundreds would need a gigabyte otherwise.
const mostDrawn = 60;

class Charts {
  constructor(data) {
    this.data = data;
    this.hidden = new Set();
    this.drawn = new Map();
    this.holders = [...document.querySelectorAll(".chart")];
    this.near = new IntersectionObserver((entries) => entries.forEach((e) => (e.isIntersecting ? this.draw(e.target) : this.release(e.target))),
      { rootMargin: "1200px" });
    this.holders.forEach((h) => this.near.observe(h));
    this.size = new ResizeObserver((entries) => entries.forEach((e) => this.drawn.get(e.target)?.resize()));
    addEventListener("beforeprint", () => this.print());
  }

  options(holder) {
    return themed(this.data.charts[holder.dataset.chart], this.hidden, this.data.runners);
  }

  draw(holder) {
    if (this.drawn.has(holder) || holder.offsetWidth === 0) return;
    const chart = echarts.init(holder, null, { renderer: "canvas" });
    chart.setOption(this.options(holder));
    this.drawn.set(holder, chart);
    this.size.observe(holder);
    this.count(holder, chart);
  }

  count(holder, chart) {
    holder.dataset.drawn = String(chart.getOption().series.reduce((n, s) => n + (s.data || []).length, 0));
  }

  release(holder) {
    const chart = this.drawn.get(holder);
    if (!chart || this.drawn.size <= mostDrawn || matchMedia("print").matches) return;
    this.size.unobserve(holder);
    chart.dispose();
    this.drawn.delete(holder);
  }

  again() {
    for (const [holder, chart] of this.drawn) {
      chart.setOption(this.options(holder), true);
      this.count(holder, chart);
    }
  }

  // print draws everything, for light paper.
  print() {
    const theme = root.dataset.theme || "";
    root.dataset.theme = "light";
    this.again();
    this.drawAll();
    addEventListener("afterprint", () => {
      if (theme) root.dataset.theme = theme;
      else delete root.dataset.theme;
      this.again();
    }, { once: true });
  }

  drawAll() {
    this.holders.forEach((h) => this.draw(h));
  }

  // picture is the chart as a PNG that says by itself what it shows.
  picture(holder) {
    const stage = element("div", { style: `position:absolute;left:-9999px;width:${holder.offsetWidth}px;height:${holder.offsetHeight + 46}px` });
    document.body.append(stage);
    const chart = echarts.init(stage, null, { renderer: "canvas" });
    const options = this.options(holder);
    options.title = { text: holder.getAttribute("aria-label").split(";")[0], left: 10, top: 8,
      textStyle: { color: styled("--ink"), fontSize: 13, width: holder.offsetWidth - 20, overflow: "break" } };
    for (const grid of [].concat(options.grid)) grid.top = Number(grid.top) + 46;
    chart.setOption(options);
    const url = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: styled("--paper") });
    chart.dispose();
    stage.remove();
    return url;
  }

  save(holder) {
    element("a", { href: this.picture(holder), download: `${holder.dataset.chart}.png` }).click();
    say("Saved as PNG");
  }
}

function savable(charts) {
  for (const holder of charts.holders) {
    const title = holder.closest("figure").querySelector("h3,h4,h5").firstChild.textContent.trim();
    const button = element("button", { type: "button", class: "small", "aria-label": `Save PNG: ${title}` }, "Save PNG");
    button.addEventListener("click", () => charts.save(holder));
    holder.closest("figure").querySelector(".under").append(button);
  }
}
