// Draws charts, on every page that has some. Their options are complete and their
// colours are names of the page's style, so nothing here makes or changes one.
const size = new ResizeObserver((entries) => entries.forEach((e) => echarts.getInstanceByDom(e.target)?.resize()));

function draw(holder, option) {
  const chart = echarts.init(holder, "dlbench", { renderer: "svg" });
  chart.setOption(option);
  size.observe(holder);
  return chart;
}

// scalable lets drawings follow the width of paper, which is not the screen's.
function scalable() {
  for (const svg of document.querySelectorAll(".chart svg")) {
    svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
  }
}

addEventListener("beforeprint", scalable);
addEventListener("afterprint", () => document.querySelectorAll(".chart svg").forEach((svg) => svg.removeAttribute("viewBox")));
