// Every table sorts by its header and copies as CSV. Text becomes text: nothing
// here makes markup from a string.
function element(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

// build makes a table from the page's data: rows are the runner's number and
// then cells, each a text or a text with the number behind it.
function build(id, data, runners) {
  const head = element("tr");
  data.columns.forEach((name, i) => head.append(element("th", { scope: "col", class: data.numeric.includes(i) ? "n" : "" }, name)));
  const body = element("tbody");
  for (const [runner, ...cells] of data.rows) {
    const line = element("tr", runner >= 0 ? { "data-r": runner } : {});
    cells.forEach((cell, i) => line.append(buildCell(cell, i, data.numeric.includes(i), runners[runner] === cell ? runner : -1)));
    body.append(line);
  }
  const table = element("table", { class: "grid", id }, element("caption", { class: "hidden" }, data.caption), element("thead", {}, head), body);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": data.caption }, table);
}

function buildCell(cell, i, numeric, runner) {
  const [text, value] = Array.isArray(cell) ? cell : [cell];
  const e = i ? element("td", { class: numeric ? "n" : "" }) : element("th", { scope: "row", class: numeric ? "n" : "" });
  if (i === 0 && runner >= 0) e.append(element("span", { class: `dot m${runner % 14}`, "aria-hidden": "true" }));
  if (value !== undefined && String(value) !== text) e.dataset.v = value;
  if (text.length > 40) e.classList.add("long");
  e.append(text);
  return e;
}

const shownText = (cell) => cell.innerText.replace(/\s+/g, " ").trim();

// rank is what a cell sorts by; what is missing comes last either way.
function rank(cell) {
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  const text = cell.textContent.trim();
  if (text === "" || text === "–") return null;
  return Number.isFinite(Number(text)) ? Number(text) : text.toLowerCase();
}

function compare(a, b, up) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  const order = typeof a === "number" ? a - b : a.localeCompare(b, "en");
  return up ? order : -order;
}

function sortBy(table, header, button) {
  const up = header.getAttribute("aria-sort") ? header.getAttribute("aria-sort") !== "ascending" : !header.classList.contains("n");
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const lines = [...table.tBodies[0].rows].map((line) => [rank(line.cells[header.cellIndex]), line]);
  lines.sort((a, b) => compare(a[0], b[0], up));
  table.tBodies[0].append(...lines.map(([, line]) => line));
  say(`Sorted by ${button.textContent}, ${up ? "ascending" : "descending"}`);
}

function sortable(table) {
  if (table.tBodies[0].rows.length < 2) return;
  for (const header of table.tHead.rows[0].cells) {
    if (!header.textContent.trim()) continue;
    const button = element("button", { type: "button", class: "sort" }, ...header.childNodes);
    button.addEventListener("click", () => sortBy(table, header, button));
    header.append(button);
  }
}

// field quotes what CSV needs, and takes their power from texts that a
// spreadsheet would run as a formula.
function field(cell) {
  const text = shownText(cell);
  if (text !== "" && Number.isFinite(Number(text))) return cell.dataset.v === undefined ? text : String(Number(cell.dataset.v));
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

const visible = (e) => !e.hidden && !e.classList.contains("away");

function csv(table) {
  return [...table.rows].filter(visible).map((line) => [...line.cells].filter(visible).map(field).join(",")).join("\n") + "\n";
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) throw new Error("the browser does not let this page copy");
  }
}

function copyable(table) {
  const button = element("button", { type: "button", class: "small", "aria-label": `Copy CSV: ${table.caption.textContent}` }, "Copy CSV");
  button.addEventListener("click", () =>
    copy(csv(table)).then(() => say("Copied as CSV"), (error) => say(`Not copied: ${error.message}`)));
  table.closest(".scroll").after(element("div", { class: "tools" }, button));
}

function enhance(table) {
  sortable(table);
  copyable(table);
}
