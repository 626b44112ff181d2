// The report's charts: when each is drawn, whose marks it shows, and its picture.

// Charts are drawn when they come near. If many are drawn, those that are far are
// let go: a page of hundreds would need a gigabyte otherwise.
const mostDrawn = 60;

class Charts {
  constructor(data) {
    this.data = data;
    this.hidden = new Set();
    this.drawn = new Map();
    this.holders = [...document.querySelectorAll(".chart")];
    echarts.registerTheme("dlbench", data.theme);
    this.near = new IntersectionObserver((entries) => entries.forEach((e) => (e.isIntersecting ? this.draw(e.target) : this.release(e.target))),
      { rootMargin: "1200px" });
    this.holders.forEach((h) => this.near.observe(h));
    addEventListener("beforeprint", () => {
      this.holders.forEach((h) => this.draw(h));
      scalable();
    });
  }

  draw(holder) {
    if (this.drawn.has(holder) || holder.offsetWidth === 0) return;
    this.drawn.set(holder, draw(holder, this.data.charts[holder.dataset.chart].option));
    if (this.hidden.size > 0) this.choose(holder);
    holder.dataset.drawn = "1";
  }

  // choose shows the series and the rows of the runners that a reader asks for.
  choose(holder) {
    const chart = this.drawn.get(holder);
    const { runners, rows } = this.data.charts[holder.dataset.chart];
    const named = (list) => list.map((r) => ({ name: this.data.runners[r] }));
    const shown = (r) => !this.hidden.has(r);
    chart.dispatchAction({ type: "legendSelect", batch: named(runners.filter(shown)) });
    chart.dispatchAction({ type: "legendUnSelect", batch: named(runners.filter((r) => !shown(r))) });
    if (rows) chart.setOption({ yAxis: { data: named(rows.filter(shown)).map((r) => r.name) } });
  }

  chosen(hidden) {
    this.hidden = hidden;
    for (const holder of this.drawn.keys()) this.choose(holder);
  }

  release(holder) {
    const chart = this.drawn.get(holder);
    if (!chart || this.drawn.size <= mostDrawn || matchMedia("print").matches) return;
    size.unobserve(holder);
    chart.dispose();
    this.drawn.delete(holder);
  }

  // picture is the chart as a PNG that says by itself what it shows.
  async picture(holder) {
    this.draw(holder);
    const { offsetWidth: width, offsetHeight: height } = holder;
    const title = 46;
    const canvas = element("canvas", { width: 2 * width, height: 2 * (height + title) });
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(holder);
    pen.scale(2, 2);
    pen.fillStyle = getComputedStyle(document.body).backgroundColor;
    pen.fillRect(0, 0, width, height + title);
    pen.fillStyle = style.color;
    pen.font = `600 13px ${style.fontFamily}`;
    pen.fillText(holder.getAttribute("aria-label").split(";")[0], 10, 24, width - 20);
    pen.drawImage(await image(holder.querySelector("svg"), width, height), 0, title);
    return canvas.toDataURL("image/png");
  }

  async save(holder) {
    const picture = await this.picture(holder);
    element("a", { href: picture, download: `${holder.dataset.chart}.png` }).click();
    say("Saved as PNG");
  }
}

// image is a drawing outside of the page, whose colours it has to bring along.
function image(svg, width, height) {
  const copy = svg.cloneNode(true);
  const style = document.createElementNS(svg.namespaceURI, "style");
  style.textContent = `svg{${document.styleSheets[0].cssRules[0].style.cssText};color-scheme:${dark() ? "dark" : "light"}} path[fill="#fff"]{fill:var(--paper)}`;
  copy.prepend(style);
  const picture = new Image(width, height);
  return new Promise((resolve, reject) => {
    picture.onload = () => resolve(picture);
    picture.onerror = () => reject(new Error("the browser cannot read its own drawing"));
    picture.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
  });
}

function savable(charts) {
  for (const holder of charts.holders) {
    const title = holder.closest("figure").querySelector("h3,h4,h5").firstChild.textContent.trim();
    const button = element("button", { type: "button", class: "small", "aria-label": `Save PNG: ${title}` }, "Save PNG");
    button.addEventListener("click", () => charts.save(holder).catch((error) => say(`Not saved: ${error.message}`)));
    holder.closest("figure").querySelector(".under").append(button);
  }
}
