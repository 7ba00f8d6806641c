// The theme follows the system until the button says otherwise.

function setUpTheme() {
  const button = element("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const show = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
  });
  dark.addEventListener("change", show);
  button.hidden = false;
  show();
}

// A table is sorted by the column whose head is pressed, and filtered by the lists above it.

function setUpTable(table) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const controls = document.querySelector(`[data-table="${table.id}"]`);
  const lists = [...controls.querySelectorAll("select")];

  function value(row, column) {
    const cell = row.cells[column];
    return "value" in cell.dataset ? parseFloat(cell.dataset.value) : cell.textContent;
  }

  function sort(column) {
    const down = heads[column].getAttribute("aria-sort") === "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.sort((a, b) => compare(value(a, column), value(b, column), down));
    body.append(...rows);
  }

  function filter() {
    for (const row of rows) {
      row.hidden = !lists.every(
        ({ name, value }) => value === "" || row.dataset[name].split(" ").includes(value),
      );
    }
    const shown = rows.filter((row) => !row.hidden).length;
    controls.querySelector("output").textContent = `${shown} of ${rows.length} rows`;
  }

  heads.forEach((head, column) => {
    head.replaceChildren(button(head.textContent, () => sort(column)));
  });
  controls.addEventListener("change", filter);
  controls.hidden = false;
  filter();
}

// The name of an image in the table shows it in the viewer.
function setUpNames(open) {
  for (const row of element("rows").tBodies[0].rows) {
    const { image, scale, method } = row.dataset, name = row.cells[0];
    name.replaceChildren(button(name.textContent, () => open(image, Number(scale), method)));
  }
}

// Missing numbers come last in either direction; what is equal keeps its place.
function compare(a, b, down) {
  if (typeof a === "string") return (down ? -1 : 1) * a.localeCompare(b, "en", { numeric: true });
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return down ? b - a : a - b;
}

function button(text, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}

setUpTheme();
setUpViewer();
document.querySelectorAll("table.sorted").forEach(setUpTable);
setUpNames(openViewer);
