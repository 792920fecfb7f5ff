// @ts-check
/** One inject job as the page sees it: a value, and how each event changes it. */

/** In the order they are shown. */
export const STAGES = ["compile", "link", "alloc", "upload", "patch", "verify"];

/** @typedef {{name: string, state: "waiting" | "running" | "done" | "failed", ms: number,
 *   since: number}} Stage  `ms` is what it took so far, `since` when it last began to run */
/** @typedef {{file: string, line: number, column: number, severity: string, text: string}}
 *   Diagnostic */
/** @typedef {{function: string, original: number, slot: number, slots: number[], address: number,
 *   entry: number, size: number, replaced: boolean, elapsed_ms: number,
 *   stages: Record<string, number>}} Result */
/** @typedef {{code: string, message: string, stderr?: string, diagnostics?: Diagnostic[],
 *   retryable?: boolean, board?: string}} Failure */
/** @typedef {{phase: "idle" | "running" | "succeeded" | "failed" | "lost" | "over",
 *   id: string | null, message: string, stages: Stage[],
 *   progress: {done: number, total: number} | null, warnings: string[],
 *   result: Result | null, failure: Failure | null}} Job
 * `lost`: the stream broke, the job may still run. `over`: it ended, nobody here saw how. */

/** @type {Job} */
export const IDLE = {
  phase: "idle",
  id: null,
  message: "",
  stages: STAGES.map((name) => ({ name, state: "waiting", ms: 0, since: 0 })),
  progress: null,
  warnings: [],
  result: null,
  failure: null,
};

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

/** @param {Job} job @param {any} event @param {number} now @returns {Job} */
function finish(job, event, now) {
  if (event.state !== "succeeded") {
    const stages = settle(job.stages, "failed", now);
    return { ...job, phase: "failed", stages, failure: event };
  }
  /** @type {Result} */
  const result = event.result;
  const stages = settle(job.stages, "done", now).map((stage) => ({
    ...stage,
    state: /** @type {const} */ ("done"),
    ms: result.stages[stage.name] ?? stage.ms, // the server's clock is the better one
  }));
  return { ...job, phase: "succeeded", stages, result };
}

/**
 * Return the job after `event`: one of the server's, or the page's own `start`, `refused`, `lost`
 * and `over`. An event this page does not know changes nothing.
 * @param {Job} job @param {any} event @param {number} now  milliseconds, any origin
 * @returns {Job}
 */
export function reduce(job, event, now) {
  switch (event.type) {
    case "start":
      return { ...IDLE, phase: "running", message: "Asking the server" };
    case "hello":
      return { ...job, id: event.job };
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
    case "refused":
      return { ...IDLE, phase: "failed", failure: event.failure };
    case "lost":
      return { ...job, phase: "lost" };
    case "over":
      return { ...job, phase: "over", stages: IDLE.stages };
    default:
      return job;
  }
}
