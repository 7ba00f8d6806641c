// The pictures of a trial, side by side. The report's zoom_pan.js zooms and moves them together: it
// reads `view`, `stage` and `frame`.

const element = (id) => document.getElementById(id);
const stage = element("stage"), divider = null;
const canvases = { left: element("left"), right: element("right"), original: element("original") };

// `x` and `y` are the point at the centre of each pane, as fractions of the picture.
const view = { image: null, zoom: 1, x: 0.5, y: 0.5, split: 0.5 };
const imageOf = (image) => image;
function showDivider() {} // there is none

// The pane under the pointer; while the stage captures the pointer, the pane where it went down.
let pane = stage.querySelector(".pane");
const frame = (event) => (pane = event?.target.closest?.(".pane") ?? pane);

// `bytes` are RGB: left, right and, if there is a third picture, the original. All are drawn in one
// step, so that none appears before another.
function showPictures(bytes, side) {
  const size = side * side * 3, names = ["left", "right", "original"];
  Object.assign(view, { image: { width: side, height: side }, zoom: 1, x: 0.5, y: 0.5 });
  names.slice(0, bytes.length / size).forEach((name, place) => {
    draw(canvases[name], bytes.subarray(place * size, (place + 1) * size), side);
  });
  stage.style.setProperty("--width", side);
  stage.classList.remove("waiting");
  showZoom();
}

function hidePictures() {
  stage.classList.add("waiting");
}

function draw(canvas, rgb, side) {
  const pixels = new ImageData(side, side);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    pixels.data.set([rgb[from], rgb[from + 1], rgb[from + 2], 255], to);
  }
  Object.assign(canvas, { width: side, height: side });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

function setUpPictures() {
  addEventListener("resize", showZoom);
  const actions = { "zoom-in": () => zoomBy(Math.SQRT2), "zoom-out": () => zoomBy(Math.SQRT1_2), fit: () => zoomBy(0) };
  for (const [id, action] of Object.entries(actions)) element(id).addEventListener("click", action);
  setUpPointers();
}
