// @ts-check
/** A batch as the page sees it: a value, and how each event changes it. */

import { isAfter } from "./events.js";

/** @typedef {import("./api.js").JobSnapshot} JobSnapshot */
/** @typedef {import("./api.js").TaskSnapshot} Task */
/** @typedef {{id: string, created: string, at: string, state: JobSnapshot["state"] | "forgotten",
 *   cancelling: boolean, tasks: Task[], elapsed_ms: number | null}} Batch
 * `at` is the id of its last event. `forgotten`: the server does not know it any more. */

const GOES_ON = ["queued", "running"];
const ENDED = 3; // so many of those that are over are of interest

/** @param {{state: string}} of  a batch or a task of one */
export const goesOn = ({ state }) => GOES_ON.includes(state);

/**
 * Go by what the server says of the whole batch, unless events have told more already.
 * @param {Batch | undefined} known @param {JobSnapshot} snapshot @returns {Batch}
 */
function takeSnapshot(known, snapshot) {
  const { id, created, state, cancelling, result, tasks } = snapshot;
  const at = snapshot.last_event ?? "";
  if (known && !goesOn(known)) return known;
  if (known && goesOn(snapshot) && isAfter(known.at, at)) {
    const asked = (/** @type {Task} */ task) => tasks[task.task]?.cancelling ?? task.cancelling;
    const merged = known.tasks.map((task) => ({ ...task, cancelling: asked(task) }));
    return { ...known, cancelling, tasks: merged };
  }
  return { id, created, at, state, cancelling, tasks, elapsed_ms: result?.elapsed_ms ?? null };
}

/**
 * Return what a task's event changes of it.
 * @param {Task} task @param {any} event @returns {Partial<Task>}
 */
function changeOf(task, event) {
  switch (event.type) {
    case "task-start":
      return { state: "running", attempt: 1 };
    case "task-progress":
      return event.stage
        ? { stage: event.stage, done: null, total: null }
        : { done: event.done, total: event.total };
    case "task-retry": {
      const retries = [...task.retries, event.reason];
      return { attempt: event.attempt, retries, stage: null, done: null, total: null };
    }
    case "task-complete":
      return { state: "succeeded", result: event.result };
    case "task-failed":
      return { state: event.state, error: event.error };
    default:
      return {};
  }
}

/** @param {Batch} batch @param {any} event @returns {Batch} */
function hear(batch, event) {
  if (event.type === "end") {
    return { ...batch, state: event.state, elapsed_ms: event.result?.elapsed_ms ?? null };
  }
  const tasks = batch.tasks.map((task) =>
    task.task === event.task ? { ...task, ...changeOf(task, event) } : task,
  );
  return { ...batch, state: "running", tasks };
}

/**
 * Return the batch after one of the server's events, or the page's own `forgotten`. What is older
 * than what is known changes nothing.
 * @param {Batch | undefined} batch @param {any} event @returns {Batch | undefined}
 */
export function reduceBatch(batch, event) {
  if (event.type === "job") return takeSnapshot(batch, event.job);
  if (!batch) return batch;
  if (event.type === "forgotten") return { ...batch, state: "forgotten" };
  const isNews = goesOn(batch) && isAfter(event.at, batch.at);
  return isNews ? { ...hear(batch, event), at: event.at } : batch;
}

/** @param {Batch} batch  when it was over */
const end_ms = ({ created, elapsed_ms }) => Date.parse(created) + (elapsed_ms ?? 0);

/**
 * Return the batches that go on and the last that are over, newest first.
 * @param {Iterable<Batch>} batches
 */
export function latest(batches) {
  const newest = [...batches].sort((one, other) => (one.created < other.created ? 1 : -1));
  const over = newest.filter((batch) => !goesOn(batch));
  const last = over.sort((one, other) => end_ms(other) - end_ms(one)).slice(0, ENDED);
  return newest.filter((batch) => goesOn(batch) || last.includes(batch));
}
