// Draws the nodes and turns the page dark. The chart names the colours of the
// page's style, so nothing has to be drawn again for that.
const root = document.documentElement;
const dark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const data = JSON.parse(document.getElementById("data").textContent);

echarts.registerTheme("dlbench", data.theme);
for (const holder of document.querySelectorAll(".chart")) {
  const drawn = draw(holder, data.chart).getModel().getSeries().filter((s) => s.subType === "scatter");
  holder.dataset.drawn = drawn.reduce((sum, s) => sum + s.getData().count(), 0);
}
document.querySelectorAll("[data-toggle-theme]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; });
});
root.dataset.ready = "1";
