// Zoom and pan images together, and move the divider between them, by mouse, touch and keys.
// `frame` is the element that shows a whole image; it may depend on where an event takes place.

const MAX_ZOOM = 16; // CSS pixels per image pixel at the largest zoom
const CRISP_ZOOM = 2; // from this zoom on, each image pixel is a sharp square

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function showZoom() {
  if (!view.image) return;
  const fit = frame().clientWidth / imageOf(view.image).width;
  view.zoom = clamp(view.zoom, 1, Math.max(1, MAX_ZOOM / fit));
  const half = 0.5 / view.zoom;
  view.x = clamp(view.x, half, 1 - half);
  view.y = clamp(view.y, half, 1 - half);
  for (const name of ["zoom", "x", "y"]) stage.style.setProperty(`--${name}`, view[name]);
  stage.classList.toggle("zoomed", view.zoom > 1);
  stage.classList.toggle("crisp", fit * view.zoom >= CRISP_ZOOM);
  element("zoom").textContent = `${Math.round(fit * view.zoom * 100)} %`;
}

// Zoom around a point of the stage, which stays in place. The point is a fraction of the stage's
// width and height.
function zoomBy(factor, at = { x: 0.5, y: 0.5 }) {
  const before = view.zoom;
  view.zoom *= factor;
  showZoom();
  const moved = 1 / before - 1 / view.zoom;
  pan((at.x - 0.5) * moved, (at.y - 0.5) * moved);
}

function pan(x, y) {
  view.x += x;
  view.y += y;
  showZoom();
}

function zoomTo(percent, at) {
  zoomBy(percent / 100 * imageOf(view.image).width / frame().clientWidth / view.zoom, at);
}

function moveDivider(at) {
  view.split = clamp(at, 0, 1);
  showDivider();
}

const place = (event) => {
  const box = frame(event).getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
};

function setUpPointers() {
  const down = new Map();
  const middle = () => {
    const all = [...down.values()], sum = (axis) => all.reduce((total, at) => total + at[axis], 0);
    const [a, b = a] = all, { width, height } = frame().getBoundingClientRect();
    const apart = Math.hypot((a.x - b.x) * width, (a.y - b.y) * height);
    return { x: sum("x") / all.length, y: sum("y") / all.length, apart };
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.target === divider || event.button !== 0 || down.size === 2) return;
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
  });
  stage.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    const before = middle();
    down.set(event.pointerId, place(event));
    const after = middle();
    if (before.apart && after.apart) zoomBy(after.apart / before.apart, after);
    if (down.size === 1 && view.zoom === 1) moveDivider(after.x);
    else pan((before.x - after.x) / view.zoom, (before.y - after.y) / view.zoom);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => down.delete(event.pointerId));
  }
  stage.addEventListener("dblclick", (event) => {
    if (view.zoom > 1) zoomBy(1 / view.zoom);
    else zoomTo(400, place(event));
  });
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 200), place(event));
  }, { passive: false });
}

function setUpKeys() {
  const zooms = { "+": Math.SQRT2, "=": Math.SQRT2, "-": Math.SQRT1_2, "−": Math.SQRT1_2, 0: 0 };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  element("viewer").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    if (event.key in zooms) {
      zoomBy(zooms[event.key]);
      event.preventDefault();
    } else if (event.target === stage && event.key in arrows && view.zoom > 1) {
      pan(...arrows[event.key].map((direction) => direction * 0.1 / view.zoom));
      event.preventDefault();
    }
  });
}
