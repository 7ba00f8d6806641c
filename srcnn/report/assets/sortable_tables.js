// Tables that sort by the column whose header is pressed, and that the lists above them filter.

function setUpTable(table) {
  const body = table.tBodies[0], rows = [...body.rows], headers = [...table.tHead.rows[0].cells];
  const controls = document.querySelector(`[data-table="${table.id}"]`);
  const lists = [...controls.querySelectorAll("select")];

  function value(row, column) {
    const cell = row.cells[column];
    return "value" in cell.dataset ? parseFloat(cell.dataset.value) : cell.textContent;
  }

  function sort(column) {
    const down = headers[column].getAttribute("aria-sort") === "ascending";
    headers.forEach((header) => header.removeAttribute("aria-sort"));
    headers[column].setAttribute("aria-sort", down ? "descending" : "ascending");
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

  headers.forEach((header, column) => {
    header.replaceChildren(button(header.textContent, () => sort(column)));
  });
  controls.addEventListener("change", filter);
  controls.hidden = false;
  filter();
}

// Turn the image names of the table of scores into buttons that show the image in the slider.
function setUpNames(open) {
  for (const row of element("rows").tBodies[0].rows) {
    const { image, scale, method } = row.dataset, name = row.cells[0];
    name.replaceChildren(button(name.textContent, () => open(image, Number(scale), method)));
  }
}

// Order two cells; missing numbers come last in both directions.
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
