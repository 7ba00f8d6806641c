// The slider: two images, one over the other, with a divider between them. This file chooses and
// shows the images and their scores; zoom_pan.js moves them.

const data = JSON.parse(document.getElementById("data").textContent);
const element = (id) => document.getElementById(id);

// `x` and `y` are the point of the image at the centre of the stage, as fractions of the image's
// width and height. At `zoom` 1 the whole image fits the stage. `split` is the divider's position.
const view = {
  scale: data.scales.at(-1), image: data.images[0].id, left: "", right: "",
  zoom: 1, x: 0.5, y: 0.5, split: 0.5,
};
let order = data.images;

const stage = element("stage"), divider = element("divider"), frame = () => stage;
const methodName = (id) => data.methods.find((method) => method.id === id).name;
const imageOf = (id) => data.images.find((image) => image.id === id);
// A number, Infinity for the PSNR of an image without error, or NaN for none.
const scoreOf = (method, metric, image = view.image) =>
  Number(data.scores[`x${view.scale}/${method}/${image}`]?.[metric]);
const sourceOf = (method) =>
  data.pictures[method === "hr" ? `hr/${view.image}` : `x${view.scale}/${method}/${view.image}`] ?? "";

// Show the images

function showPictures() {
  const image = imageOf(view.image);
  stage.style.setProperty("--width", image.width);
  stage.style.setProperty("--height", image.height);
  element("problem").textContent = "";
  for (const [id, method] of [["under", view.left], ["over", view.right]]) {
    const picture = element(id), source = sourceOf(method);
    picture.alt = `${image.name}, ×${view.scale}: ${methodName(method)}`;
    if (picture.getAttribute("src") === source) continue;
    picture.classList.add("loading");
    picture.src = source;
  }
  element("left-tag").textContent = methodName(view.left);
  element("right-tag").textContent = methodName(view.right);
  element("place").textContent = `${order.indexOf(image) + 1} of ${order.length}`;
  element("of").textContent = `${image.name}, ×${view.scale}`;
  showScores();
  showFiles();
  showDivider();
  showZoom();
}

function showScores() {
  element("scores").replaceChildren(...data.metrics.map((metric) => {
    const left = scoreOf(view.left, metric.id), right = scoreOf(view.right, metric.id);
    const change = left === right ? 0 : right - left, row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = metric.name;
    const leftIsBetter = metric.lower ? left < right : left > right;
    row.append(head, cell(left, metric, leftIsBetter), cell(right, metric, !leftIsBetter), cell(change, metric, false, true));
    return row;

    function cell(value, { digits }, best, signed) {
      const made = document.createElement("td");
      const text = Number.isNaN(value) ? "–" : Math.abs(value).toFixed(digits).replace("Infinity", "∞");
      const sign = value < 0 ? "−" : signed && value > 0 ? "+" : "";
      const comparable = change && !Number.isNaN(change);
      const mark = document.createElement(best && comparable ? "strong" : "span");
      mark.textContent = sign + text;
      made.append(mark);
      return made;
    }
  }));
}

function showFiles() {
  if (!data.files) return;
  element("files").replaceChildren("Files: ", ...[view.left, view.right].flatMap((method) => {
    const link = document.createElement("a");
    link.href = sourceOf(method);
    link.textContent = methodName(method);
    return [link, " "];
  }));
}

function showDivider() {
  const percent = Math.round(view.split * 100);
  stage.style.setProperty("--split", `${view.split * 100}%`);
  divider.value = percent;
  divider.setAttribute(
    "aria-valuetext", `${percent} % ${methodName(view.left)}, ${100 - percent} % ${methodName(view.right)}`,
  );
}

// Choose the images

function setOptions(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

function showOrder() {
  const kind = element("order").value, by = element("by");
  const { change } = data;
  const metrics = view.right === "hr" ? [] : data.metrics;
  setOptions(by, [
    ...(change ? [["change", `LPIPS, ${change.to} − ${change.from}`]] : []),
    ...metrics.map((metric) => [metric.id, `${metric.name} of the right image`]),
  ]);
  by.parentElement.hidden = kind === "listed";
  const lower = by.value === "change" || data.metrics.find((metric) => metric.id === by.value)?.lower;
  const value = ({ id }) => by.value === "change"
    ? scoreOf(change.to, change.metric, id) - scoreOf(change.from, change.metric, id)
    : scoreOf(view.right, by.value, id);
  order = [...data.images];
  if (kind !== "listed") order.sort((a, b) => compare(value(a), value(b), lower === (kind === "worst")));
  const strip = element("strip");
  order.forEach(({ id }) => strip.append(strip.querySelector(`[data-image="${CSS.escape(id)}"]`)));
}

function fillStrip() {
  element("strip").append(...data.images.map((image) => {
    const label = document.createElement("label"), radio = document.createElement("input");
    const picture = document.createElement("img"), name = document.createElement("span");
    label.dataset.image = image.id;
    Object.assign(radio, { type: "radio", name: "image", value: image.id, className: "unseen" });
    Object.assign(picture, { src: image.thumbnail, alt: "", decoding: "async" });
    name.textContent = label.title = image.name;
    label.append(radio, picture, name);
    return label;
  }));
}

function choose(image) {
  if (image !== view.image) Object.assign(view, { image, zoom: 1, x: 0.5, y: 0.5 });
  const strip = element("strip"), radio = strip.querySelector(`[value="${CSS.escape(image)}"]`);
  const label = radio.parentElement;
  radio.checked = true;
  strip.scrollLeft = label.offsetLeft - (strip.clientWidth - label.offsetWidth) / 2;
  showPictures();
}

function step(by) {
  const place = order.findIndex((image) => image.id === view.image);
  choose(order.at((place + by) % order.length).id);
}

function showInSlider(image, scale, method) {
  view.scale = scale;
  element("scale").value = scale;
  view.right = element("right").value = method;
  showOrder();
  choose(image);
  element("pictures").scrollIntoView();
  stage.focus({ preventScroll: true });
}

function setUpSlider() {
  const methods = data.methods.map(({ id, name }) => [id, name]), ids = data.methods.map(({ id }) => id);
  view.left = ids.includes("mse") ? "mse" : ids[0];
  view.right = ids.includes("perceptual") ? "perceptual" : ids.at(-1);
  setOptions(element("scale"), data.scales.map((scale) => [scale, `×${scale}`]));
  element("scale").value = view.scale;
  for (const side of ["left", "right"]) {
    setOptions(element(side), methods);
    element(side).value = view[side];
    element(side).addEventListener("change", () => {
      view[side] = element(side).value;
      showOrder();
      showPictures();
    });
  }
  element("scale").addEventListener("change", () => {
    view.scale = Number(element("scale").value);
    showOrder();
    showPictures();
  });
  for (const id of ["order", "by"]) {
    element(id).addEventListener("change", () => { showOrder(); choose(order[0].id); });
  }
  element("swap").addEventListener("click", () => {
    [view.left, view.right] = [view.right, view.left];
    element("left").value = view.left;
    element("right").value = view.right;
    showOrder();
    showPictures();
  });
  const presses = {
    "zoom-in": () => zoomBy(Math.SQRT2), "zoom-out": () => zoomBy(Math.SQRT1_2),
    fit: () => zoomBy(0), actual: () => zoomTo(100), previous: () => step(-1), next: () => step(1),
  };
  for (const [id, press] of Object.entries(presses)) element(id).addEventListener("click", press);
  for (const picture of [element("under"), element("over")]) {
    picture.addEventListener("load", () => picture.classList.remove("loading"));
    picture.addEventListener("error", () => {
      const file = data.files ? `: no file ${picture.getAttribute("src")} next to this page` : "";
      element("problem").textContent = `Cannot show ${picture.alt}${file}`;
    });
  }
  element("strip").addEventListener("change", (event) => choose(event.target.value));
  divider.addEventListener("input", () => moveDivider(divider.value / 100));
  addEventListener("resize", showZoom);
  element("viewer").hidden = false;
  fillStrip();
  setUpPointers();
  setUpKeys();
  showOrder();
  choose(view.image);
}
