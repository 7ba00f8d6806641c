// A session: starts or continues it, shows one pair after another, and sends each answer.

const QUESTIONS = { better: "Which looks better?", closer: "Which is closer to the original?" };
const TASKS = {
  better: "Choose the picture that looks better to you.",
  closer: "Choose the picture that is closer to the original, which is shown as well.",
};

let about = null; // what the server asks: `question`, and `side` of the pictures
let session = null; // `key`, `voter`, `done` and `total`
let shownAt = null; // when the present pair was drawn; null while none is shown

async function request(address, body) {
  const options = body && { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(address, options).catch(() => {
    throw new Error("No answer: srcnn judge was stopped. Start it again, reload this page, and continue.");
  });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? answer.statusText);
  return answer;
}

// Runs a step of the session; an error is shown and leaves the page as it is.
async function run(step) {
  element("problem").textContent = "";
  try {
    await step();
  } catch (error) {
    element("problem").textContent = error.message;
    element("problem").scrollIntoView({ block: "nearest" });
  }
}

function show(id, title) {
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
  element(title).focus({ preventScroll: true });
  scrollTo(0, 0);
}

async function showStart() {
  shownAt = session = null;
  about = await (await request("sessions")).json();
  element("task").textContent = TASKS[about.question];
  element("middle").hidden = about.question !== "closer";
  stage.classList.toggle("three", about.question === "closer");
  element("unfinished").hidden = !about.unfinished.length;
  element("list").replaceChildren(...about.unfinished.map((each) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = `${each.voter || "no name"}: ${each.done} of ${each.total} answered`;
    button.addEventListener("click", () => run(() => goOn(each)));
    item.append(button);
    return item;
  }));
  element("begin").disabled = false;
  show("start", "start-title");
}

// Starts a session. With large images, the server needs some seconds to draw the pairs.
async function begin() {
  element("begin").disabled = true;
  try {
    await goOn(await (await request("sessions", { voter: element("voter").value })).json());
  } finally {
    element("begin").disabled = false;
  }
}

// Shows the next pair of a session, or its end.
async function goOn(next) {
  session = next;
  shownAt = null;
  if (session.done === session.total) {
    show("end", "end-title");
    return;
  }
  hidePictures();
  const trial = session.done + 1;
  const bytes = await (await request(`sessions/${session.key}/${trial}`)).arrayBuffer();
  if (session !== next) return; // stopped
  element("question").textContent = `${trial} of ${session.total}: ${QUESTIONS[about.question]}`;
  element("progress").max = session.total;
  element("progress").value = session.done;
  show("viewer", "question");
  showPictures(new Uint8Array(bytes), about.side);
  shownAt = performance.now();
}

async function answer(choice) {
  if (shownAt === null) return;
  const seconds = (performance.now() - shownAt) / 1000, before = session, at = shownAt;
  shownAt = null;
  try {
    const sent = await request(`sessions/${session.key}/${session.done + 1}`, { answer: choice, seconds });
    const next = await sent.json();
    if (session === before) await goOn(next);
  } catch (error) {
    if (session === before) shownAt = at; // to try again
    throw error;
  }
}

function press(event) {
  if (element("viewer").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const zooms = { "+": Math.SQRT2, "=": Math.SQRT2, "-": Math.SQRT1_2, "−": Math.SQRT1_2, 0: 0 };
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const answers = { ArrowLeft: "left", ArrowRight: "right", " ": "none" };
  if (event.key in zooms) zoomBy(zooms[event.key]);
  else if (event.shiftKey && event.key in moves) pan(...moves[event.key].map((by) => by * 0.1 / view.zoom));
  else if (event.key === " " && event.target.matches("button")) return; // presses the button
  else if (event.key in answers && !event.shiftKey) {
    if (!event.repeat) run(() => answer(answers[event.key]));
  } else return;
  event.preventDefault();
}

function setUp() {
  setUpPictures();
  element("new").addEventListener("submit", (event) => {
    event.preventDefault();
    run(begin);
  });
  element("again").addEventListener("click", () => run(async () => {
    element("voter").value = "";
    await showStart();
  }));
  element("stop").addEventListener("click", () => run(showStart));
  for (const button of element("answers").children) {
    button.addEventListener("click", (event) => {
      if (event.detail < 2) run(() => answer(button.dataset.answer)); // a double click answers once
    });
  }
  addEventListener("keydown", press);
  run(showStart);
}

setUp();
