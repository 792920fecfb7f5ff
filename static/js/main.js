// @ts-check
/** The page: its state, the views it is shown in, and what the user's actions do to it. */

import * as api from "./api.js";
import { createBatches } from "./batches.js";
import { createBoard, UNKNOWN } from "./board.js";
import { isBoard } from "./boards.js";
import { byId, make, recall, remember } from "./dom.js";
import { drawnInPauses } from "./drawing.js";
import { IDLE, isOpen, reduce } from "./job.js";
import { createOrders } from "./orders.js";
import { declaration, EXAMPLES, isUntouched, skeleton } from "./sources.js";
import { openStream } from "./stream.js";
import { batchesView } from "./view-batch.js";
import { boardsView } from "./view-boards.js";
import { connectionView } from "./view-connection.js";
import { editorView } from "./view-editor.js";
import { isOurs, jobView } from "./view-job.js";
import { noticeView, replaceQuestion } from "./view-notice.js";
import { outputView } from "./view-output.js";
import { slotsView } from "./view-slots.js";
import { symbolsView } from "./view-symbols.js";
import { troubleView } from "./view-trouble.js";

/** @typedef {import("./events.js").ServerEvent} ServerEvent */

const LOOK_EVERY_MS = 2000; // for what the stream does not tell: ports, and all while it is lost
const TICK_MS = 100; // how often the time of a running stage is drawn
const CHOSEN = "fpbay.board"; // the tab's, over reloads

const state = {
  ...UNKNOWN,
  board: String(recall(CHOSEN, "sessionStorage") ?? ""),
  jobs: /** @type {Map<string, import("./job.js").Job>} */ (new Map()), // each board's last one
  boot: "", // of the server
  placed: "", // what the page itself put into the editor last
};

const render = drawnInPauses(draw);
const notice = noticeView();
const askToReplace = replaceQuestion();
const output = outputView({ render });
const orders = createOrders(sessionStorage);
const batches = createBatches({ render });
const editor = editorView(EXAMPLES[0]?.source ?? "", { inject });
const board = createBoard(state, { render, mark: output.mark, notice });
const showBoards = boardsView({ choose: chooseBoard });
const showConnection = connectionView(board);
const showBatches = batchesView({
  cancel: (batch, task) => ask(() => api.cancel(batch, task)),
  close: batches.close,
});
const showJob = jobView({ goTo: editor.goTo, inject, cancel });
const showSymbols = symbolsView({ search: board.search, choose });
const showTrouble = troubleView({
  reapply: () => order({ kind: "reapply" }),
  verify: () => order({ kind: "verify" }),
});
const showSlots = slotsView({
  enable: (slot, enable) => board.change((id) => api.enable(id, { slot, enable })),
  remove: (slot) => board.change((id) => api.unpatch(id, { slot })),
  removeAll: () => board.change((id) => api.unpatch(id, { all: true })),
  refresh: () => board.change(api.getInfo),
});
/** @type {ReturnType<typeof setInterval> | undefined} */
let ticking;

const jobOf = (/** @type {string} */ id) => state.jobs.get(id) ?? IDLE;
const shownJob = () => jobOf(state.board);

/**
 * Tell whether somebody else asked for the injection that a board's last job was.
 * @param {import("./job.js").Job} job @param {string} of
 */
function isForeign({ id, kind }, of) {
  const last = orders.last();
  const isOwn = last?.board === of && (last.job === id || !last.isAnswered);
  return ["inject", "inject-multi"].includes(kind) && !isOwn;
}

function draw() {
  const { symbolNote: note, info } = state;
  const patched = info?.slots.filter((slot) => !slot.empty).map((slot) => slot.function) ?? [];
  const connected = state.status?.state === "connected";
  showBoards(state);
  showConnection(state);
  showSymbols({ ...state, note, patched: new Set(patched.map(String)) });
  showTrouble(state);
  showSlots({ ...state, connected });
  const job = shownJob();
  showJob({ ...state, job, isForeign: isForeign(job, state.board), now: performance.now() });
  showBatches(batches.shown());
  output.update(state);
}

/** @param {any} event  one of the server's that tells of a job @returns {string} whose board's it is */
function boardOf({ type, job }) {
  if (type === "job") return job.board;
  return [...state.jobs].find(([, known]) => known.id === job)?.[0] ?? "";
}

/** @param {any} event  the server's, or the page's own @param {string} [of]  the job's board */
function hearOfJob(event, of = boardOf(event)) {
  const before = jobOf(of);
  const job = reduce(before, event, performance.now());
  if (job === before) return;
  state.jobs.set(of, job);
  if (isOpen(before) && !isOpen(job)) {
    if (job.kind === "inject" && job.result) {
      output.mark(`${job.result.function} patched, slot ${job.result.slot}`, of);
    }
    markEditor();
  }
  clearInterval(ticking);
  if ([...state.jobs.values()].some(isOpen)) ticking = setInterval(render, TICK_MS);
  render();
}

/** @param {any} event  the server's */
function hearOfWork(event) {
  const id = event.job?.id ?? event.job;
  if (batches.isOne(event, id)) batches.hear(event, id);
  else hearOfJob(event);
}

/** Mark what the compiler said of this tab's text; other tabs may have another. */
function markEditor() {
  const last = orders.last();
  const job = jobOf(last?.board ?? "");
  const isMine = job.id !== null && job.id === last?.job;
  if (isMine) editor.mark((job.failure?.diagnostics ?? []).filter(isOurs));
}

/** Ask how jobs stand, where nobody says so: the stream is lost, or told of no end. */
function askForJobs() {
  const isTold = (/** @type {string} */ id) =>
    state.stream === "live" && state.boards?.some(({ job }) => job === id);
  for (const [of, job] of state.jobs) {
    if (job.id && isOpen(job) && !isTold(job.id)) {
      askFor(job.id, (event) => jobOf(of).id === job.id && hearOfJob(event, of));
    }
  }
  for (const { id } of batches.running()) {
    if (!isTold(id)) askFor(id, (event) => batches.hear(event, id));
  }
}

/** @param {string} id @param {(event: object) => void} tell */
async function askFor(id, tell) {
  try {
    tell({ type: "job", job: await api.getJob(id) });
  } catch (problem) {
    if (/** @type {api.Problem} */ (problem).code === "unknown-job") tell({ type: "forgotten" });
  }
}

/** @param {ServerEvent} event */
function hear(event) {
  switch (event.type) {
    case "reset":
      output.mark(isNewBoot(event) ? "the server was started anew" : "some output was missed here");
      return catchUp(event);
    case "hello":
      return isNewBoot(event) ? undefined : catchUp(event); // a `reset` follows
    case "board":
      return board.take(event.board);
    case "log":
      return output.line(/** @type {any} */ (event));
    case "warning":
      if (!event.job) return output.mark(event.message, event.board);
  }
  hearOfWork(event);
}

/** @param {ServerEvent} event */
const isNewBoot = (event) => state.boot !== "" && !event.at.startsWith(state.boot);

/** @param {ServerEvent} event  with snapshots: how all boards stand, and the jobs that run */
function catchUp({ at, boards, jobs }) {
  state.boot = at.slice(0, at.indexOf(":") + 1);
  board.takeAll(boards);
  for (const job of jobs) hearOfWork({ type: "job", job });
  batches.ask();
  askForJobs();
}

/** @param {api.Order} what */
async function order(what) {
  if (isOpen(shownJob()) || !isBoard(state.board)) return;
  const of = state.board;
  notice.clear();
  editor.mark([]);
  hearOfJob({ type: "asking" }, of);
  draw(); // what the user does shows at once
  try {
    hearOfJob({ type: "job", job: await orders.send(of, what) });
    markEditor(); // its end may have come before this answer
  } catch (error) {
    const { code, message } = /** @type {api.Problem} */ (error);
    const isUnknown = code === "unreachable";
    if (jobOf(of).phase !== "asking") return isUnknown || notice.show(error); // a job is shown
    const type = isUnknown ? "unanswered" : "refused";
    hearOfJob({ type, failure: { code, message } }, of);
  } finally {
    render(); // whose job is shown may have changed
  }
}

function inject() {
  const slot = byId("slot", HTMLSelectElement).value;
  order({ kind: "inject", source: editor.text(), slot: slot === "" ? null : Number(slot) });
}

function cancel() {
  const { id } = shownJob();
  if (id) ask(() => api.cancel(id));
}

/** @param {() => Promise<api.JobSnapshot>} work  what is answered by how a job stands */
async function ask(work) {
  try {
    hearOfWork({ type: "job", job: await work() });
  } catch (error) {
    notice.show(error);
  }
}

/** @param {string} id */
function chooseBoard(id) {
  remember(CHOSEN, id, "sessionStorage");
  notice.clear();
  board.choose(id);
  draw();
}

/** Show what became of the job that this tab asked for before it was reloaded. */
async function recallJob() {
  const last = orders.last();
  if (last && !last.isAnswered) hearOfJob({ type: "unanswered" }, last.board);
  if (!last?.job) return;
  const job = await api.getJob(last.job).catch(() => null);
  if (job && jobOf(last.board).id === null) hearOfJob({ type: "job", job }); // or a newer one is shown
  markEditor();
}

/** @param {string} source @param {string} what */
function place(source, what) {
  const put = () => {
    state.placed = source;
    editor.replace(source);
  };
  if (isUntouched(editor.text(), state.placed)) put();
  else askToReplace(`Replace your text by ${what}?`, put);
}

/** @param {api.Symbol} symbol */
function choose(symbol) {
  if (symbol.kind === "variable") editor.declare(declaration(symbol));
  else place(skeleton(symbol), `a skeleton of ${symbol.name}`);
}

const examples = byId("examples", HTMLSelectElement);
examples.append(...EXAMPLES.map(({ name }) => make("option", "", name)));
examples.addEventListener("change", () => {
  const example = EXAMPLES.find(({ name }) => name === examples.value);
  examples.selectedIndex = 0;
  if (example) place(example.source, `the example “${example.name}”`);
});

openStream({
  onEvent: hear,
  onState(stream) {
    state.stream = stream;
    if (stream !== "live") look();
    render();
  },
});

function look() {
  board.poll();
  askForJobs();
}
setInterval(() => document.hidden || look(), LOOK_EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || look());
recallJob();
