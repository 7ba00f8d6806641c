// Photographs, what becomes of each on the server, and which of them is shown.

const AT_ONCE = 4; // photographs that the server has been given; the rest wait here

const limit = Number(document.body.dataset.upload);
const files = [];

// A photograph's line in the list

const WORDS = {
  new: () => "not enlarged yet",
  here: () => "waiting",
  sending: () => "being read",
  waiting: ({ job }) => `waiting, ${job.place} before it`,
  running: ({ job: { done } }) =>
    done === 1 ? "nearly done" : `being enlarged${done ? `, ${Math.floor(done * 100)} %` : ""}`,
  done: ({ result }) => `×${result.scale}, strength ${result.strength}: ${result.width} × ${result.height} pixels`,
  failed: ({ error }) => error,
};
const BUSY = ["here", "sending", "waiting", "running"];
const isBusy = (file) => BUSY.includes(file.state);

// Changed in place: a button that is replaced while it is pressed is not pressed.
function show(file) {
  const { line, name, state, result } = file, busy = isBusy(file);
  const [title, words, bar, end] = line.children;
  line.className = [state, file === files.chosen ? "chosen" : ""].join(" ");
  title.disabled = !result;
  title.setAttribute("aria-pressed", file === files.chosen);
  words.textContent = WORDS[state](file);
  bar.hidden = !busy;
  if (state === "running" && !file.job.done) bar.removeAttribute("value");
  else bar.value = state === "running" ? file.job.done : 0;
  end.textContent = busy ? "Cancel" : "Remove";
  end.setAttribute("aria-label", `${end.textContent} ${name}`);
  showButton();
}

function lineOf(file) {
  const line = document.createElement("li");
  const add = (tag, properties) => line.appendChild(Object.assign(document.createElement(tag), properties));
  add("button", { type: "button", className: "name", textContent: file.name, title: file.name })
    .addEventListener("click", () => { choose(file); element("viewer").scrollIntoView(); });
  add("span", { className: "state" });
  add("progress", { max: 1 }).setAttribute("aria-label", file.name);
  add("button", { type: "button", className: "end" })
    .addEventListener("click", () => isBusy(file) ? cancel(file) : remove(file));
  return line;
}

function tell(file, state, more = {}) {
  Object.assign(file, { state }, more);
  if (files.includes(file)) show(file);
  const news = { done: "is enlarged", failed: `could not be enlarged: ${file.error}` }[state];
  if (news) element("news").textContent = `${file.name} ${news}`;
}

function choose(file) {
  const before = files.chosen;
  files.chosen = file;
  for (const each of [before, file]) if (files.includes(each)) show(each);
  showPictures(file);
}

// The button does those that were not enlarged yet; or else the chosen one again, if otherwise.

function wanted() {
  const { chosen } = files, { scale, strength } = settings();
  const fresh = files.filter(({ state, refusedAt }) =>
    state === "new" || (state === "failed" && !refusedAt.includes(scale)));
  if (fresh.length) return fresh;
  const other = chosen?.state === "done" && (chosen.result.scale !== scale || chosen.result.strength !== strength);
  return other ? [chosen] : [];
}

function settings() {
  const scale = Number(element("settings").elements.scale.value);
  return { scale, strength: Number(element("strength").value) };
}

function showButton() {
  const next = wanted(), go = element("go");
  go.disabled = !next.length;
  go.textContent = next[0]?.state === "done" ? "Enlarge again" : next.length > 1 ? `Enlarge ${next.length} photographs` : "Enlarge";
  element("strength-is").textContent = element("strength").value;
  element("files").hidden = !files.length;
}

// What comes and goes

function add(chosen) {
  for (const file of chosen) {
    const entry = { file, name: file.name, state: "new", refusedAt: [] }, line = lineOf(entry);
    files.push(Object.assign(entry, { line }));
    element("list").append(line);
    if (file.size <= limit) show(entry);
    else {
      const error = `${bytes(file.size)} is more than the ${limit / 1e6} MB that a photograph may have`;
      tell(entry, "failed", { refusedAt: [2, 4], error });
    }
  }
}

function remove(file) {
  const place = files.indexOf(file);
  files.splice(place, 1);
  file.line.remove();
  forget(file.result);
  if (file === files.chosen) {
    files.chosen = view.image = null;
    element("viewer").hidden = true;
    const other = files.findLast(({ state }) => state === "done");
    if (other) choose(other);
  }
  showButton();
  (files[Math.min(place, files.length - 1)]?.line.querySelector(".end") ?? element("choose")).focus();
}

function cancel(file) {
  tell(file, file.result ? "done" : "new", { job: null, turn: null }); // `enlarge` sees it
}

function forget(job, options = {}) {
  if (job) fetch(`jobs/${job.id}`, { method: "DELETE", ...options }).catch(() => {});
}

// On the server

async function asked(address, options) {
  const answer = await fetch(address, options).catch(() => {
    throw new Error("no answer: srcnn serve has ended, or the file cannot be read any more");
  });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw refusal(content.error ?? answer.statusText, [413, 422].includes(answer.status));
  return content;
}

// An error; `final` if the same would be refused again.
function refusal(message, final) {
  return Object.assign(new Error(message), { final });
}

async function enlarge(file) {
  const turn = file.turn, { scale, strength } = turn;
  const isCancelled = () => file.turn !== turn;
  tell(file, "sending");
  try {
    const query = new URLSearchParams({ name: file.name, scale, strength });
    let job = await asked(`jobs?${query}`, { method: "POST", body: file.file });
    while (["waiting", "running"].includes(job.state) && !isCancelled()) {
      tell(file, job.state, { job });
      work();
      await new Promise((resolve) => setTimeout(resolve, 250));
      if (!isCancelled()) job = await asked(`jobs/${job.id}`);
    }
    if (isCancelled()) return forget(job);
    if (job.state === "failed") throw refusal(job.error, true);
    forget(file.result);
    tell(file, "done", { job: null, turn: null, result: { ...job, scale, strength } });
    if (file === files.chosen || !files.chosen) choose(file);
  } catch (error) {
    if (isCancelled()) return;
    const refusedAt = error.final ? [...file.refusedAt, scale] : file.refusedAt;
    tell(file, "failed", { job: null, turn: null, refusedAt, error: error.message });
  }
}

function work() {
  const next = files.find(({ state }) => state === "here");
  const given = files.filter((file) => isBusy(file) && file.state !== "here");
  const full = given.length >= AT_ONCE || given.some(({ state }) => state === "sending");
  if (next && !full) enlarge(next).finally(work);
}

function setUp() {
  element("limit").textContent = limit / 1e6;
  element("choose").addEventListener("change", ({ target }) => { add(target.files); target.value = ""; });
  element("settings").addEventListener("input", showButton);
  element("settings").addEventListener("submit", (event) => {
    event.preventDefault();
    for (const file of wanted()) tell(file, "here", { turn: settings(), error: "" });
    work();
  });
  const drag = (event, over) => { event.preventDefault(); document.body.classList.toggle("dropping", over); };
  addEventListener("dragover", (event) => drag(event, true));
  addEventListener("dragleave", (event) => drag(event, event.relatedTarget !== null));
  addEventListener("drop", (event) => { drag(event, false); add(event.dataTransfer.files); });
  addEventListener("paste", (event) => add(event.clipboardData.files));
  addEventListener("pagehide", () => files.forEach(({ job }) => forget(job, { keepalive: true })));
  setUpPictures(() => tell(files.chosen, "new"));
  showButton();
}

setUp();
