// The list of photographs: uploads them, follows their state on the server, shows their results.

const MAX_SENT = 4; // photographs on the server at a time; the others wait in the browser

const limit = Number(document.body.dataset.upload);
const files = [];

// A photograph's row in the list

const STATE_TEXTS = {
  new: () => "not upscaled yet",
  queued: () => "waiting",
  sending: () => "uploading",
  waiting: ({ job }) => `waiting, ${job.position} ahead`,
  running: ({ job: { progress } }) =>
    progress === 1 ? "almost done" : `upscaling${progress ? `, ${Math.floor(progress * 100)} %` : ""}`,
  done: ({ result }) => `×${result.scale}, strength ${result.strength}: ${result.width} × ${result.height} pixels`,
  failed: ({ error }) => error,
};
const BUSY = ["queued", "sending", "waiting", "running"];
const isBusy = (file) => BUSY.includes(file.state);

// Updates the row in place: replacing a button while it is pressed would lose the click.
function show(file) {
  const { row, name, state, result } = file, busy = isBusy(file);
  const [title, text, bar, end] = row.children;
  row.className = [state, file === files.chosen ? "chosen" : ""].join(" ");
  title.disabled = !result;
  title.setAttribute("aria-pressed", file === files.chosen);
  text.textContent = STATE_TEXTS[state](file);
  bar.hidden = !busy;
  if (state === "running" && !file.job.progress) bar.removeAttribute("value");
  else bar.value = state === "running" ? file.job.progress : 0;
  end.textContent = busy ? "Cancel" : "Remove";
  end.setAttribute("aria-label", `${end.textContent} ${name}`);
  showButton();
}

function rowOf(file) {
  const row = document.createElement("li");
  const add = (tag, properties) => row.appendChild(Object.assign(document.createElement(tag), properties));
  add("button", { type: "button", className: "name", textContent: file.name, title: file.name })
    .addEventListener("click", () => { choose(file); element("viewer").scrollIntoView(); });
  add("span", { className: "state" });
  add("progress", { max: 1 }).setAttribute("aria-label", file.name);
  add("button", { type: "button", className: "end" })
    .addEventListener("click", () => isBusy(file) ? cancel(file) : remove(file));
  return row;
}

function setState(file, state, changes = {}) {
  Object.assign(file, { state }, changes);
  if (files.includes(file)) show(file);
  const news = { done: "is upscaled", failed: `could not be upscaled: ${file.error}` }[state];
  if (news) element("news").textContent = `${file.name} ${news}`;
}

function choose(file) {
  const before = files.chosen;
  files.chosen = file;
  for (const each of [before, file]) if (files.includes(each)) show(each);
  showImages(file);
}

// The button upscales all new photographs. If there are none, it upscales the chosen photograph
// again, provided that the settings changed.

function filesToUpscale() {
  const { chosen } = files, { scale, strength } = settings();
  const fresh = files.filter(({ state, refusedScales }) =>
    state === "new" || (state === "failed" && !refusedScales.includes(scale)));
  if (fresh.length) return fresh;
  const changed = chosen?.state === "done" && (chosen.result.scale !== scale || chosen.result.strength !== strength);
  return changed ? [chosen] : [];
}

function settings() {
  const scale = Number(element("settings").elements.scale.value);
  return { scale, strength: Number(element("strength").value) };
}

function showButton() {
  const next = filesToUpscale(), go = element("go");
  go.disabled = !next.length;
  go.textContent = next[0]?.state === "done" ? "Upscale again" : next.length > 1 ? `Upscale ${next.length} photographs` : "Upscale";
  element("strength-value").textContent = element("strength").value;
  element("files").hidden = !files.length;
}

// Add and remove photographs

function add(chosen) {
  for (const file of chosen) {
    const entry = { file, name: file.name, state: "new", refusedScales: [] }, row = rowOf(entry);
    files.push(Object.assign(entry, { row }));
    element("list").append(row);
    if (file.size <= limit) show(entry);
    else {
      const error = `${formatBytes(file.size)} is larger than the upload limit of ${limit / 1e6} MB`;
      setState(entry, "failed", { refusedScales: [2, 4], error });
    }
  }
}

function remove(file) {
  const index = files.indexOf(file);
  files.splice(index, 1);
  file.row.remove();
  deleteJob(file.result);
  if (file === files.chosen) {
    files.chosen = view.image = null;
    element("viewer").hidden = true;
    const other = files.findLast(({ state }) => state === "done");
    if (other) choose(other);
  }
  showButton();
  (files[Math.min(index, files.length - 1)]?.row.querySelector(".end") ?? element("choose")).focus();
}

function cancel(file) {
  setState(file, file.result ? "done" : "new", { job: null, run: null }); // `upscale` checks `run`
}

// The server's jobs

function deleteJob(job, options = {}) {
  if (job) fetch(`jobs/${job.id}`, { method: "DELETE", ...options }).catch(() => {});
}

async function request(address, options) {
  const answer = await fetch(address, options).catch(() => {
    throw new Error("no answer: srcnn serve was stopped, or the file cannot be read any more");
  });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw jobError(content.error ?? answer.statusText, [413, 422].includes(answer.status));
  return content;
}

// `isFinal` means that another attempt would fail too.
function jobError(message, isFinal) {
  return Object.assign(new Error(message), { isFinal });
}

async function upscale(file) {
  const run = file.run, { scale, strength } = run;
  const isCancelled = () => file.run !== run;
  setState(file, "sending");
  try {
    const query = new URLSearchParams({ name: file.name, scale, strength });
    let job = await request(`jobs?${query}`, { method: "POST", body: file.file });
    while (["waiting", "running"].includes(job.state) && !isCancelled()) {
      setState(file, job.state, { job });
      startNext();
      await new Promise((resolve) => setTimeout(resolve, 250));
      if (!isCancelled()) job = await request(`jobs/${job.id}`);
    }
    if (isCancelled()) return deleteJob(job);
    if (job.state === "failed") throw jobError(job.error, true);
    deleteJob(file.result);
    setState(file, "done", { job: null, run: null, result: { ...job, scale, strength } });
    if (file === files.chosen || !files.chosen) choose(file);
  } catch (error) {
    if (isCancelled()) return;
    const refusedScales = error.isFinal ? [...file.refusedScales, scale] : file.refusedScales;
    setState(file, "failed", { job: null, run: null, refusedScales, error: error.message });
  }
}

function startNext() {
  const next = files.find(({ state }) => state === "queued");
  const sent = files.filter((file) => isBusy(file) && file.state !== "queued");
  const full = sent.length >= MAX_SENT || sent.some(({ state }) => state === "sending");
  if (next && !full) upscale(next).finally(startNext);
}

function setUp() {
  element("limit").textContent = limit / 1e6;
  element("choose").addEventListener("change", ({ target }) => { add(target.files); target.value = ""; });
  element("settings").addEventListener("input", showButton);
  element("settings").addEventListener("submit", (event) => {
    event.preventDefault();
    for (const file of filesToUpscale()) setState(file, "queued", { run: settings(), error: "" });
    startNext();
  });
  const drag = (event, over) => { event.preventDefault(); document.body.classList.toggle("dropping", over); };
  addEventListener("dragover", (event) => drag(event, true));
  addEventListener("dragleave", (event) => drag(event, event.relatedTarget !== null));
  addEventListener("drop", (event) => { drag(event, false); add(event.dataTransfer.files); });
  addEventListener("paste", (event) => add(event.clipboardData.files));
  addEventListener("pagehide", () => files.forEach(({ job }) => deleteJob(job, { keepalive: true })));
  setUpImages(() => setState(files.chosen, "new"));
  showButton();
}

setUp();
