// Puts the page together once its data is unpacked.
async function unpack(text) {
  const bytes = Uint8Array.from(atob(JSON.parse(text)), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

// open makes a table the first time somebody looks at it.
function open(details, data, filter) {
  if (!details.open || details.dataset.made) return;
  details.dataset.made = "1";
  const id = details.dataset.table;
  details.append(build(id, data.tables[id], data.runners));
  enhance(details.querySelector("table"));
  filter.runners(details);
}

// reveal opens what hides the target of a link.
function reveal() {
  const target = document.querySelector(":target");
  for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  if (target) target.scrollIntoView();
}

async function start() {
  const data = await unpack(document.getElementById("data").textContent);
  const charts = new Charts(data);
  const filter = new Filter(document.querySelector(".filters"), charts);
  document.querySelectorAll("table.grid").forEach(enhance);
  savable(charts);
  document.querySelectorAll("details[data-table]").forEach((d) => d.addEventListener("toggle", () => open(d, data, filter)));
  themeButton();
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
  root.dataset.ready = String(charts.holders.length);
}

start().catch((error) => {
  root.dataset.ready = "0";
  say(`The charts cannot be drawn: ${error.message}. The rankings and tables on the page are whole.`);
});
