// Before and after of one result, one over the other. What moves and zooms them is the report's,
// zoom_pan.js: it reads `view` and calls `showDivider`.

const element = (id) => document.getElementById(id);
const stage = element("stage"), divider = element("divider");

// `x` and `y` are the point of the picture, in its widths and heights, that is at the middle of
// the stage; `zoom` is 1 where the whole picture fits.
const view = { image: null, zoom: 1, x: 0.5, y: 0.5, split: 0.5 };
const imageOf = (image) => image;

function showDivider() {
  const percent = Math.round(view.split * 100);
  stage.style.setProperty("--split", `${view.split * 100}%`);
  divider.value = percent;
  divider.setAttribute("aria-valuetext", `${percent} % before, ${100 - percent} % after`);
}

function showPictures(file) {
  const { result } = file, again = view.image?.width === result.width && view.image?.height === result.height;
  view.image = result;
  if (!again) Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
  element("viewer").hidden = false;
  element("problem").textContent = "";
  element("of").textContent = result.name;
  const reduced = result.reduced > 1 ? [`shown at 1/${result.reduced} of its size`] : [];
  element("about").textContent = [
    `${result.width} × ${result.height} pixels`, bytes(result.bytes), ...reduced, ...result.notes,
  ].join(", ");
  const after = `SRCNN ×${result.scale}, strength ${result.strength}`;
  element("right-tag").textContent = `After: ${after}`;
  element("download").href = `jobs/${result.id}/result`;
  stage.style.setProperty("--width", result.width);
  stage.style.setProperty("--height", result.height);
  for (const [id, name, alt] of [["under", "before", "bicubic"], ["over", "after", after]]) {
    const picture = element(id), source = `jobs/${result.id}/${name}.png`;
    picture.alt = `${file.name}: ${alt}`;
    if (picture.getAttribute("src") === source) continue;
    picture.classList.add("loading");
    picture.src = source;
  }
  showDivider();
  showZoom();
}

function bytes(count) {
  return count < 1e6 ? `${Math.ceil(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

// `lost` is called when the server does not have the pictures any more.
function setUpPictures(lost) {
  addEventListener("resize", showZoom);
  divider.addEventListener("input", () => moveDivider(divider.value / 100));
  const presses = {
    "zoom-in": () => zoomBy(Math.SQRT2), "zoom-out": () => zoomBy(Math.SQRT1_2),
    fit: () => zoomBy(0), actual: () => zoomTo(100),
  };
  for (const [id, press] of Object.entries(presses)) element(id).addEventListener("click", press);
  for (const picture of [element("under"), element("over")]) {
    picture.addEventListener("load", () => picture.classList.remove("loading"));
    picture.addEventListener("error", () => {
      element("problem").textContent = "The server does not keep this result any more; enlarge it again.";
      lost();
    });
  }
  setUpPointers();
  setUpKeys();
}
