// @ts-check
/** Batches as they go: each task, what it was repeated for, and what all came to. */

import { goesOn } from "./batch.js";
import { button, byId, make, say, within } from "./dom.js";
import { duration, timeOfDay } from "./text.js";

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

/** @typedef {{cancel: (batch: string, task?: number) => void, close: (batch: string) => void}}
 *   Actions */

/**
 * Make what shows a batch: a copy of the page's template.
 * @param {Batch} first @param {Actions} actions
 */
function batchView({ id, created, state, tasks }, actions) {
  const copy = document.importNode(byId("batch", HTMLTemplateElement).content, true);
  const section = within(copy, "section", HTMLElement);
  const note = within(section, ".note", HTMLElement);
  const fold = within(section, ".fold", HTMLButtonElement);
  const cancel = within(section, ".cancel", HTMLButtonElement);
  const close = within(section, ".close", HTMLButtonElement);
  const table = within(section, ".scroll", HTMLElement);
  const body = within(section, "tbody", HTMLElement);
  const title = `Batch ${timeOfDay(created).slice(0, "00:00:00".length)}`;
  const heading = within(section, "h2", HTMLElement);
  heading.textContent = title;
  heading.title = new Date(created).toLocaleString();
  section.setAttribute("aria-label", title);
  const rows = tasks.map(row);
  const unfold = (/** @type {boolean} */ open) => {
    table.hidden = !open;
    fold.setAttribute("aria-expanded", String(open));
  };
  unfold(goesOn({ state }));
  fold.addEventListener("click", () => unfold(table.hidden));
  cancel.addEventListener("click", () => actions.cancel(id));
  close.addEventListener("click", () => actions.close(id));

  /** @param {Task} first @returns {(task: Task) => void} */
  function row(first) {
    const number = make("th", "", String(first.task));
    number.scope = "row";
    const [said, retries] = [make("div", "said"), make("div", "retries")];
    const [name, attempts] = [make("td", "mono function"), make("td", "num")];
    const board = make("td", "", first.board);
    board.title = first.port;
    const stop = button("Cancel", () => actions.cancel(id, first.task));
    stop.setAttribute("aria-label", `Cancel task ${first.task}`);
    const what = make("td", "what", said, retries);
    const line = make("tr", "", number, board, name, what, attempts, make("td", "num", stop));
    body.append(line);
    return (task) => {
      line.dataset.state = task.state;
      say(name, task.result?.function ?? task.function ?? "");
      say(said, stateInWords(task));
      say(retries, retriesInWords(task));
      say(attempts, task.attempt ? String(task.attempt) : "");
      hide(stop, !goesOn(task), close.hidden ? cancel : close);
      stop.disabled = task.cancelling;
    };
  }

  return {
    section,
    /** @param {Batch} batch */
    update(batch) {
      section.dataset.state = batch.state;
      say(note, totalsInWords(batch));
      close.hidden = goesOn(batch);
      hide(cancel, !goesOn(batch), close);
      cancel.disabled = batch.cancelling;
      for (const task of batch.tasks) rows[task.task]?.(task);
    },
  };
}

/** @param {Actions} actions @returns {(batches: Batch[]) => void} shows them, and no others */
export function batchesView(actions) {
  const list = byId("batches", HTMLDivElement);
  /** @type {Map<string, ReturnType<typeof batchView>>} */
  const views = new Map();

  /** @param {Batch} batch @param {number} place */
  function show(batch, place) {
    const view = views.get(batch.id) ?? batchView(batch, actions);
    views.set(batch.id, view);
    const there = list.children[place] ?? null;
    if (there !== view.section) list.insertBefore(view.section, there);
    view.update(batch);
  }

  /** @param {HTMLElement} section */
  function drop(section) {
    const held = section.contains(document.activeElement);
    const next = section.nextElementSibling ?? section.previousElementSibling;
    section.remove();
    // Who closed it goes on with its neighbour, or with what follows the batches.
    if (held) (next?.querySelector("button") ?? byId("symbol-query", HTMLInputElement)).focus();
  }

  return (batches) => {
    for (const [id, { section }] of views) {
      if (batches.some((batch) => batch.id === id)) continue;
      views.delete(id);
      drop(section);
    }
    batches.forEach(show);
  };
}
