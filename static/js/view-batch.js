// @ts-check
/** A batch as it goes: each task, what it was repeated for, and what all came to. */

import { goesOn } from "./batch.js";
import { button, byId, make, say } from "./dom.js";
import { duration } from "./text.js";

/** @typedef {import("./batch.js").Batch} Batch */
/** @typedef {import("./api.js").TaskSnapshot} Task */

/** @type {Record<string, string>} */
const STATE_WORDS = {
  queued: "Waits",
  running: "Runs",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted: the server ended",
  forgotten: "The server was started anew and does not know it any more",
};

/** @param {Task} task */
function stateInWords({ state, cancelling, stage, done, total, result, error }) {
  if (state === "succeeded") return `slot ${result?.slot}, ${duration(result?.elapsed_ms ?? 0)}`;
  if (error) return String(error.message);
  if (cancelling) return "stopping";
  if (state !== "running") return (STATE_WORDS[state] ?? state).toLowerCase();
  const share = done !== null && total ? ` ${Math.floor((done / total) * 100)} %` : "";
  return (stage ?? "runs") + share;
}

/** @param {Task} task */
const retriesInWords = ({ retries }) =>
  retries.map(({ message }, n) => `Attempt ${n + 1}: ${message}`).join("\n");

/** @param {Batch} batch */
function totalsInWords({ state, cancelling, tasks, elapsed_ms }) {
  const count = (/** @type {string} */ of) => tasks.filter((task) => task.state === of).length;
  const retries = tasks.reduce((sum, task) => sum + task.retries.length, 0);
  const parts = [
    `${count("succeeded")} of ${tasks.length} succeeded`,
    count("failed") && `${count("failed")} failed`,
    count("cancelled") && `${count("cancelled")} cancelled`,
    retries && `${retries} repeated`,
    elapsed_ms !== null && duration(elapsed_ms),
  ];
  const word = cancelling && goesOn({ state }) ? "Stopping" : STATE_WORDS[state];
  return `${word}: ${parts.filter(Boolean).join(", ")}`;
}

/**
 * Hide a button, or not; who has it gets the next one then.
 * @param {HTMLButtonElement} which @param {boolean} hidden @param {HTMLButtonElement} next
 */
function hide(which, hidden, next) {
  const held = document.activeElement === which;
  which.hidden = hidden;
  if (held && hidden) next.focus();
}

/**
 * @param {{cancel: (batch: string, task?: number) => void, close: (batch: string) => void}} actions
 * @returns {(state: {batch: Batch | undefined}) => void}
 */
export function batchView(actions) {
  const section = byId("batch", HTMLElement);
  const body = byId("batch-rows", HTMLTableSectionElement);
  const note = byId("batch-note", HTMLParagraphElement);
  const cancel = byId("batch-cancel", HTMLButtonElement);
  const close = byId("batch-close", HTMLButtonElement);
  let shown = "";
  /** @type {((task: Task) => void)[]} */
  let rows = [];
  cancel.addEventListener("click", () => actions.cancel(shown));
  close.addEventListener("click", () => actions.close(shown));

  /** @param {Batch} batch @param {Task} first @returns {(task: Task) => void} */
  function row({ id }, first) {
    const number = make("th", "", String(first.task));
    number.scope = "row";
    const [what, state, attempts] = [make("td", "mono"), make("td", "what"), make("td", "num")];
    const board = make("td", "", first.board);
    board.title = first.port;
    const stop = button("Cancel", () => actions.cancel(id, first.task));
    stop.setAttribute("aria-label", `Cancel task ${first.task}`);
    const line = make("tr", "", number, board, what, state, attempts, make("td", "num", stop));
    body.append(line);
    return (task) => {
      line.dataset.state = task.state;
      say(what, task.result?.function ?? task.function ?? "");
      say(state, stateInWords(task));
      state.title = state.textContent ?? "";
      say(attempts, task.attempt ? String(task.attempt) : "");
      attempts.title = retriesInWords(task);
      hide(stop, !goesOn(task), close.hidden ? cancel : close);
      stop.disabled = task.cancelling;
    };
  }

  return ({ batch }) => {
    section.hidden = !batch;
    if (!batch) return;
    if (batch.id !== shown) {
      shown = batch.id;
      body.replaceChildren();
      rows = batch.tasks.map((task) => row(batch, task));
    }
    section.dataset.state = batch.state;
    say(note, totalsInWords(batch));
    close.hidden = goesOn(batch);
    hide(cancel, !goesOn(batch), close);
    cancel.disabled = batch.cancelling;
    for (const task of batch.tasks) rows[task.task]?.(task);
  };
}
