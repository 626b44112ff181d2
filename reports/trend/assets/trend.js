// Draws the lines and turns the page dark. Charts name the colours of the page's
// style, so nothing has to be drawn again for that.
const root = document.documentElement;
const dark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const data = JSON.parse(document.getElementById("data").textContent);

echarts.registerTheme("dlbench", data.theme);
for (const holder of document.querySelectorAll(".chart")) {
  const line = draw(holder, data.charts[holder.dataset.chart]).getModel().getSeries().at(-1);
  holder.dataset.drawn = line.getData().count();
  holder.dataset.marks = (line.get(["markLine", "data"]) || []).length;
}
document.querySelectorAll("[data-toggle-theme]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; });
});
root.dataset.ready = "1";
