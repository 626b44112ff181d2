// The filter hides what a reader does not ask for: workloads and modes as whole
// parts of the page, runners as rows, columns, figures and series.
class Filter {
  constructor(form, charts) {
    this.form = form;
    this.charts = charts;
    this.options = [...form.elements.workload.options].slice(1);
    this.boxes = [...form.querySelectorAll("[name=runner]")];
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => this.apply());
    form.addEventListener("reset", () => setTimeout(() => this.apply()));
    form.querySelector("[data-runners=none]").addEventListener("click", () => {
      this.boxes.forEach((box) => { box.checked = false; });
      this.apply();
    });
    this.closable(form.querySelector(".choice"));
  }

  // closable shuts the list of runners by Escape and by a click elsewhere.
  closable(list) {
    list.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      list.open = false;
      list.querySelector("summary").focus();
    });
    document.addEventListener("click", (event) => { if (!list.contains(event.target)) list.open = false; });
  }

  // shows says whether a workload is asked for.
  shows(option) {
    const { workload, mode } = this.form.elements;
    return (!workload.value || workload.value === option.value) && (!mode.value || mode.value === option.dataset.mode);
  }

  apply() {
    let workloads = 0;
    for (const option of this.options) {
      const shown = this.shows(option);
      workloads += shown;
      for (const name of option.value.split(" ")) {
        for (const part of document.getElementsByClassName(name)) part.classList.toggle("away", !shown);
      }
    }
    this.charts.chosen(new Set(this.boxes.filter((b) => !b.checked).map((b) => Number(b.value))));
    this.runners(document);
    const runners = `${this.boxes.length - this.charts.hidden.size} of ${this.boxes.length}`;
    this.form.querySelector("[data-runners-shown]").textContent = runners;
    say(`${workloads} of ${this.options.length} workloads and ${runners} runners are shown`);
  }

  // runners hides the rows, columns and figures of runners inside a part.
  runners(part) {
    for (const e of part.querySelectorAll("[data-r]")) e.hidden = this.charts.hidden.has(Number(e.dataset.r));
  }
}
