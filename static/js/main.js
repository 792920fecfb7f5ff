// @ts-check
/** The page: its state, the views it is shown in, and what the user's actions do to it. */

import * as api from "./api.js";
import { createBoard, UNKNOWN } from "./board.js";
import { byId, make } from "./dom.js";
import { followLog } from "./events.js";
import { inject } from "./inject.js";
import { IDLE, reduce } from "./job.js";
import { declaration, EXAMPLES, isUntouched, skeleton } from "./sources.js";
import { connectionView } from "./view-connection.js";
import { editorView } from "./view-editor.js";
import { isOurs, jobView } from "./view-job.js";
import { noticeView, replaceQuestion } from "./view-notice.js";
import { outputView } from "./view-output.js";
import { slotsView } from "./view-slots.js";
import { symbolsView } from "./view-symbols.js";

const STATUS_EVERY_MS = 2000;
const TICK_MS = 100; // how often the time of a running stage is drawn

const state = {
  ...UNKNOWN,
  stream: /** @type {import("./events.js").StreamState} */ ("connecting"),
  job: IDLE,
  placed: "", // what the page itself put into the editor last
};

const notice = noticeView();
const ask = replaceQuestion();
const output = outputView();
const editor = editorView(EXAMPLES[0]?.source ?? "", { inject: start });
const board = createBoard(state, { render, mark: output.mark, notice });
const showConnection = connectionView(board);
const showJob = jobView({ goTo: editor.goTo });
const showSymbols = symbolsView({ search: board.search, choose });
const showSlots = slotsView({
  enable: (slot, on) => board.change(() => api.enable(slot, on)),
  remove: (slot) => board.change(() => api.unpatch({ slot })),
  removeAll: () => board.change(() => api.unpatch({ all: true })),
  refresh: () => board.change(api.getInfo),
});

function render() {
  const { status, symbolNote: note, info, job } = state;
  const patched = info?.slots.filter((slot) => !slot.empty).map((slot) => slot.function) ?? [];
  const connected = status?.state === "connected";
  showConnection(state);
  showSymbols({ ...state, note, patched: new Set(patched.map(String)) });
  showSlots({ ...state, connected });
  const otherJob = status?.job != null && status.job !== job.id;
  showJob({ job, otherJob, now: performance.now() });
  output.update(state);
}

async function start() {
  if (["running", "lost"].includes(state.job.phase)) return;
  const source = editor.text();
  const slot = byId("slot", HTMLSelectElement).value;
  const ticking = setInterval(render, TICK_MS);
  notice.clear();
  editor.mark([]);
  await inject({ source, slot: slot === "" ? null : Number(slot) }, (event) => {
    state.job = reduce(state.job, event, performance.now());
    render();
  });
  clearInterval(ticking);
  const { failure, result, phase } = state.job;
  if (result) output.mark(`${result.function} patched, slot ${result.slot}`);
  editor.mark((failure?.diagnostics ?? []).filter(isOurs));
  const untouched = phase === "failed" && (failure?.board ?? "unchanged") === "unchanged";
  if (!untouched) await board.poll().then(board.refreshInfo);
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

byId("inject", HTMLButtonElement).addEventListener("click", start);

const examples = byId("examples", HTMLSelectElement);
examples.append(...EXAMPLES.map(({ name }) => make("option", "", name)));
examples.addEventListener("change", () => {
  const example = EXAMPLES.find(({ name }) => name === examples.value);
  examples.selectedIndex = 0;
  if (example) place(example.source, `the example “${example.name}”`);
});

const log = followLog("api/log/stream", {
  onLine: output.line,
  onWarning: (message) => {
    output.mark(message);
    board.poll(); // the board's state has most likely changed
  },
  onReset: () => output.mark("some output was missed here"),
  onState: (stream) => {
    if (stream === state.stream) return;
    state.stream = stream;
    render();
  },
});

// A hidden page holds no connection: six of them are all a browser gives to one server.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return log.close();
  log.open();
  board.poll();
});
setInterval(() => document.hidden || board.poll(), STATUS_EVERY_MS);
log.open();
board.poll();
