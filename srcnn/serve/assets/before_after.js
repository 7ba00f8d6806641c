// One result before and after, as two images with a divider between them. The report's
// zoom_pan.js moves them: it reads `view` and calls `showDivider`.

const element = (id) => document.getElementById(id);
const stage = element("stage"), divider = element("divider"), frame = () => stage;

// `x` and `y` are the point of the image at the centre of the stage, as fractions of the image's
// width and height. At `zoom` 1 the whole image fits the stage. `split` is the divider's position.
const view = { image: null, zoom: 1, x: 0.5, y: 0.5, split: 0.5 };
const imageOf = (image) => image;

function showDivider() {
  const percent = Math.round(view.split * 100);
  stage.style.setProperty("--split", `${view.split * 100}%`);
  divider.value = percent;
  divider.setAttribute("aria-valuetext", `${percent} % before, ${100 - percent} % after`);
}

function showImages(file) {
  const { result } = file;
  const isSameSize = view.image?.width === result.width && view.image?.height === result.height;
  view.image = result;
  if (!isSameSize) Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
  element("viewer").hidden = false;
  element("problem").textContent = "";
  element("result-name").textContent = result.name;
  const reduction = result.reduction > 1 ? [`shown at 1/${result.reduction} of its size`] : [];
  element("about").textContent = [
    `${result.width} × ${result.height} pixels`, formatBytes(result.bytes), ...reduction, ...result.notes,
  ].join(", ");
  const after = `SRCNN ×${result.scale}, strength ${result.strength}`;
  element("right-tag").textContent = `After: ${after}`;
  element("download").href = `jobs/${result.id}/result`;
  stage.style.setProperty("--width", result.width);
  stage.style.setProperty("--height", result.height);
  for (const [id, name, alt] of [["under", "before", "bicubic"], ["over", "after", after]]) {
    const image = element(id), source = `jobs/${result.id}/${name}.png`;
    image.alt = `${file.name}: ${alt}`;
    if (image.getAttribute("src") === source) continue;
    image.classList.add("loading");
    image.src = source;
  }
  showDivider();
  showZoom();
}

function formatBytes(count) {
  return count < 1e6 ? `${Math.ceil(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

// Calls `onDeleted` if the server has deleted the images.
function setUpImages(onDeleted) {
  addEventListener("resize", showZoom);
  divider.addEventListener("input", () => moveDivider(divider.value / 100));
  const actions = {
    "zoom-in": () => zoomBy(Math.SQRT2), "zoom-out": () => zoomBy(Math.SQRT1_2),
    fit: () => zoomBy(0), actual: () => zoomTo(100),
  };
  for (const [id, action] of Object.entries(actions)) element(id).addEventListener("click", action);
  for (const image of [element("under"), element("over")]) {
    image.addEventListener("load", () => image.classList.remove("loading"));
    image.addEventListener("error", () => {
      element("problem").textContent = "The server has deleted this result. Upscale the photograph again.";
      onDeleted();
    });
  }
  setUpPointers();
  setUpKeys();
}
