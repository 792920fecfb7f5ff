// @ts-check
/** The page: its state, the views it is shown in, and what the user's actions do to it. */

import * as api from "./api.js";
import { createBoard, UNKNOWN } from "./board.js";
import { byId, make } from "./dom.js";
import { IDLE, isOpen, reduce } from "./job.js";
import { createOrders } from "./orders.js";
import { declaration, EXAMPLES, isUntouched, skeleton } from "./sources.js";
import { openStream } from "./stream.js";
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

const state = {
  ...UNKNOWN,
  job: IDLE,
  boot: "", // of the server
  placed: "", // what the page itself put into the editor last
};

const notice = noticeView();
const ask = replaceQuestion();
const output = outputView();
const orders = createOrders(sessionStorage);
const editor = editorView(EXAMPLES[0]?.source ?? "", { inject });
const board = createBoard(state, { render, mark: output.mark, notice });
const showConnection = connectionView(board);
const showJob = jobView({ goTo: editor.goTo, inject, cancel });
const showSymbols = symbolsView({ search: board.search, choose });
const showTrouble = troubleView({
  reapply: () => order({ kind: "reapply" }),
  verify: () => order({ kind: "verify" }),
});
const showSlots = slotsView({
  enable: (slot, on) => board.change(() => api.enable(slot, on)),
  remove: (slot) => board.change(() => api.unpatch({ slot })),
  removeAll: () => board.change(() => api.unpatch({ all: true })),
  refresh: () => board.change(api.getInfo),
});
/** @type {ReturnType<typeof setInterval> | undefined} */
let ticking;

function render() {
  const { symbolNote: note, info } = state;
  const patched = info?.slots.filter((slot) => !slot.empty).map((slot) => slot.function) ?? [];
  const connected = state.status?.state === "connected";
  showConnection(state);
  showSymbols({ ...state, note, patched: new Set(patched.map(String)) });
  showTrouble(state);
  showSlots({ ...state, connected });
  showJob({ ...state, now: performance.now() });
  output.update(state);
}

/** @param {any} event  the server's, or the page's own */
function hearOfJob(event) {
  const before = state.job;
  const job = reduce(before, event, performance.now());
  if (job === before) return;
  state.job = job;
  if (isOpen(before) && !isOpen(job)) {
    if (job.kind === "inject" && job.result) {
      output.mark(`${job.result.function} patched, slot ${job.result.slot}`);
    }
    markEditor();
  }
  clearInterval(ticking);
  if (isOpen(job)) ticking = setInterval(render, TICK_MS);
  render();
}

/** Mark what the compiler said of this tab's text; other tabs may have another. */
function markEditor() {
  const isMine = state.job.id !== null && state.job.id === orders.last()?.job;
  if (isMine) editor.mark((state.job.failure?.diagnostics ?? []).filter(isOurs));
}

/** Ask how the job stands, where nobody says so: the stream is lost, or told of it no end. */
async function askForJob() {
  const { job, status, stream } = state;
  if (!job.id || !isOpen(job) || (stream === "live" && status?.job === job.id)) return;
  try {
    hearOfJob({ type: "job", job: await api.getJob(job.id) });
  } catch (problem) {
    const { code } = /** @type {api.Problem} */ (problem);
    if (code === "unknown-job" && state.job.id === job.id) hearOfJob({ type: "forgotten" });
  }
}

/** @param {api.JobSnapshot} job */
const concernsUs = (job) =>
  [job, ...job.tasks].some(({ board }) => board !== null && board === state.status?.board);

/** @param {ServerEvent} event */
function hear(event) {
  const isOfOurBoard = event.board === state.status?.board;
  switch (event.type) {
    case "reset":
      output.mark(isNewBoot(event) ? "the server was started anew" : "some output was missed here");
      return catchUp(event);
    case "hello":
      return isNewBoot(event) ? undefined : catchUp(event); // a `reset` follows
    case "board":
      if (event.board.board === state.status?.board) board.take(event.board);
      return;
    case "log":
      if (isOfOurBoard) output.line(/** @type {any} */ (event));
      return;
    case "job":
      if (concernsUs(event.job)) hearOfJob(event);
      return;
    case "warning":
      if (isOfOurBoard && !event.job) return output.mark(event.message);
  }
  hearOfJob(event);
}

/** @param {ServerEvent} event */
const isNewBoot = (event) => state.boot !== "" && !event.at.startsWith(state.boot);

/** @param {ServerEvent} event  with snapshots: how all boards stand, and the jobs that run */
function catchUp({ at, boards, jobs }) {
  state.boot = at.slice(0, at.indexOf(":") + 1);
  board.take(boards[0]);
  for (const job of jobs.filter(concernsUs)) hearOfJob({ type: "job", job });
  askForJob();
}

/** @param {api.Order} what */
async function order(what) {
  if (isOpen(state.job)) return;
  notice.clear();
  editor.mark([]);
  hearOfJob({ type: "asking" });
  try {
    hearOfJob({ type: "job", job: await orders.send(what) });
    markEditor(); // its end may have come before this answer
  } catch (error) {
    const { code, message } = /** @type {api.Problem} */ (error);
    const isUnknown = code === "unreachable";
    if (state.job.phase !== "asking") return isUnknown || notice.show(error); // a job is shown
    const type = isUnknown ? "unanswered" : "refused";
    hearOfJob({ type, failure: { code, message } });
  }
}

function inject() {
  const slot = byId("slot", HTMLSelectElement).value;
  order({ kind: "inject", source: editor.text(), slot: slot === "" ? null : Number(slot) });
}

async function cancel() {
  try {
    if (state.job.id) hearOfJob({ type: "job", job: await api.cancel(state.job.id) });
  } catch (error) {
    notice.show(error);
  }
}

/** Show what became of the job that this tab asked for before it was reloaded. */
async function recallJob() {
  const last = orders.last();
  if (last && !last.isAnswered) hearOfJob({ type: "unanswered" });
  if (!last?.job) return;
  const job = await api.getJob(last.job).catch(() => null);
  if (job && state.job.id === null) hearOfJob({ type: "job", job }); // or one is shown that is newer
  markEditor();
}

/** @param {string} source @param {string} what */
function place(source, what) {
  const put = () => {
    state.placed = source;
    editor.replace(source);
  };
  if (isUntouched(editor.text(), state.placed)) put();
  else ask(`Replace your text by ${what}?`, put);
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
  askForJob();
}
setInterval(() => document.hidden || look(), LOOK_EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || look());
recallJob();
