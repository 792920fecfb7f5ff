// @ts-check
/** One job as the page sees it: a value, and how each event changes it. */

import { isAfter } from "./events.js";

/** In the order they are shown. */
export const STAGES = ["compile", "link", "alloc", "upload", "patch", "verify"];

/** @typedef {{name: string, state: "waiting" | "running" | "done" | "failed", ms: number,
 *   since: number}} Stage  `ms` is what it took so far, `since` when it last began to run */
/** @typedef {{file: string, line: number, column: number, severity: string, text: string}}
 *   Diagnostic */
/** @typedef {{function: string, original: number, slot: number, slots: number[], address: number,
 *   entry: number, size: number, replaced: boolean, elapsed_ms: number,
 *   stages: Record<string, number>}} Injected */
/** @typedef {{code: string, message: string, stderr?: string, diagnostics?: Diagnostic[],
 *   retryable?: boolean, board?: string}} Failure */
/** @typedef {"succeeded" | "failed" | "cancelled" | "interrupted"} Ended */
/** @typedef {{phase: "idle" | "asking" | "unanswered" | "running" | "forgotten" | Ended,
 *   id: string | null, kind: string, place: string, at: string, cancelling: boolean, message: string,
 *   stages: Stage[], progress: {done: number, total: number} | null, warnings: string[],
 *   result: any, failure: Failure | null}} Job
 * `place` says which board it is of, `at` is the id of its last event. `unanswered`: asked for, and no answer came, so it may run.
 * `forgotten`: the server does not know it any more. */

/** @type {Job} */
export const IDLE = {
  phase: "idle",
  id: null,
  kind: "",
  place: "",
  at: "",
  cancelling: false,
  message: "",
  stages: STAGES.map((name) => ({ name, state: "waiting", ms: 0, since: 0 })),
  progress: null,
  warnings: [],
  result: null,
  failure: null,
};

const UNINTERRUPTIBLE = ["patch", "verify"]; // stages that come to their end once they are begun
const MAKES_PATCHES = ["inject", "inject-multi", "reapply"]; // kinds that have all stages

/** @param {Job} job */
export const isOpen = (job) => ["asking", "running"].includes(job.phase);

/** @param {Job} job  tells whether asking it to stop may still help */
export function canCancel({ phase, cancelling, stages }) {
  const stage = stages.find(({ state }) => state === "running")?.name ?? "";
  const late = UNINTERRUPTIBLE.includes(stage);
  return phase === "running" && !cancelling && !late;
}

/**
 * Stop the stage that runs, if one does.
 * @param {Stage[]} stages @param {"done" | "failed"} state @param {number} now
 * @returns {Stage[]}
 */
function settle(stages, state, now) {
  return stages.map((stage) =>
    stage.state === "running" ? { ...stage, state, ms: stage.ms + now - stage.since } : stage,
  );
}

/** @param {Job} job @param {{stage: string, message: string}} event @param {number} now */
function enterStage(job, event, now) {
  const stages = settle(job.stages, "done", now).map((stage) =>
    stage.name === event.stage
      ? { ...stage, state: /** @type {const} */ ("running"), since: now }
      : stage,
  );
  const progress = event.stage === "upload" ? null : job.progress; // a repeated upload starts anew
  return { ...job, stages, progress, message: event.message };
}

/**
 * @param {Job} job
 * @param {{state: Ended, result?: any, code?: string, message?: string}} end @param {number} now
 * @returns {Job}
 */
function finish(job, end, now) {
  if (end.state !== "succeeded") {
    const stages = settle(job.stages, "failed", now);
    const failure = /** @type {Failure} */ (/** @type {unknown} */ (end));
    return { ...job, phase: end.state, stages, failure };
  }
  /** @type {Record<string, number>} */
  const times = end.result?.stages ?? {}; // the server's clock is the better one
  const stages = settle(job.stages, "done", now).map((stage) => {
    const ms = times[stage.name];
    return ms === undefined ? stage : { ...stage, state: /** @type {const} */ ("done"), ms };
  });
  return { ...job, phase: "succeeded", stages, result: end.result };
}

/**
 * Go by what the server says of the whole job, unless events have told more already.
 * @param {Job} known @param {import("./api.js").JobSnapshot} snapshot @param {number} now
 * @returns {Job}
 */
function takeSnapshot(known, snapshot, now) {
  const { id, kind, state, stage, cancelling } = snapshot;
  const isKnown = known.id === id;
  const last = snapshot.last_event ?? "";
  if (isKnown && !isOpen(known)) return known;
  const goesOn = state === "queued" || state === "running";
  if (isKnown && goesOn && isAfter(known.at, last)) return { ...known, cancelling };
  const reached = Math.max(STAGES.indexOf(stage ?? ""), 0);
  const begun = MAKES_PATCHES.includes(kind) ? STAGES.slice(0, reached) : [];
  const place = `${snapshot.board} · ${snapshot.port}`;
  const base = isKnown ? known : { ...IDLE, phase: /** @type {const} */ ("running"), id, kind, place };
  const stages = base.stages.map((entry) =>
    begun.includes(entry.name) && entry.state === "waiting"
      ? { ...entry, state: /** @type {const} */ ("done") }
      : entry,
  );
  /** @type {Job} */
  let job = { ...base, stages, at: last, cancelling };
  const isRunning = stages.find(({ state }) => state === "running")?.name === stage;
  if (stage && !isRunning) job = enterStage(job, { stage, message: `At ${stage}` }, now);
  if (goesOn) {
    const { done, total } = snapshot;
    const progress = done === null || total === null ? job.progress : { done, total };
    const message = job.message || (state === "queued" ? "Waiting for the board" : "Running");
    return { ...job, progress, message };
  }
  return finish(job, { ...snapshot.error, state, result: snapshot.result }, now);
}

/**
 * Return the job after one of its events that has a number.
 * @param {Job} job @param {any} event @param {number} now @returns {Job}
 */
function hear(job, event, now) {
  switch (event.type) {
    case "stage":
      return enterStage(job, event, now);
    case "progress": {
      const done = Math.max(event.done, job.progress?.done ?? 0);
      return { ...job, progress: { done, total: event.total } };
    }
    case "warning":
      return { ...job, warnings: [...job.warnings, event.message] };
    case "end":
      return finish(job, event, now);
    default:
      return job;
  }
}

/**
 * Return the job after `event`: one of the server's, or the page's own `asking`, `unanswered`,
 * `refused` and `forgotten`. What is of another job, older, or not known to this page changes nothing.
 * @param {Job} job @param {any} event @param {number} now  milliseconds, any origin
 * @returns {Job}
 */
export function reduce(job, event, now) {
  switch (event.type) {
    case "asking":
      return { ...IDLE, phase: "asking", message: "Asking the server" };
    case "unanswered":
      return { ...IDLE, phase: "unanswered" };
    case "refused":
      return { ...IDLE, phase: "failed", failure: event.failure };
    case "forgotten":
      return { ...job, phase: "forgotten", stages: IDLE.stages };
    case "job":
      return takeSnapshot(job, event.job, now);
  }
  const isNews = event.job === job.id && isOpen(job) && isAfter(event.at, job.at);
  return isNews ? { ...hear(job, event, now), at: event.at } : job;
}
