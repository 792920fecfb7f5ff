// @ts-check
/** The server's HTTP interface as functions. Nothing here touches the page. */

/** @typedef {{board: string, state: "disconnected" | "connecting" | "connected" | "lost", port: string | null,
 *   baudrate: number | null, elf: string | null, firmware: string | null, toolchain: string,
 *   job: string | null, doubt: string | null, error: string | null, reconnect: boolean,
 *   lost_patches: {function: string, original: number, slot: number}[]}} Status
 * `doubt` is the job that may have left anything on the board. */
/** @typedef {{url: string, description: string, kind: "emulated" | "serial"}} Port */
/** @typedef {{name: string, address: number, size: number, kind: "function" | "variable"}} Symbol */
/** @typedef {{slot: number, empty: false, original: number, target: number,
 *   function: string | null, size: number, comparator: number, mode: string, enabled: boolean,
 *   pair: number | null}} UsedSlot */
/** @typedef {UsedSlot | {slot: number, empty: true, function: null}} Slot */
/** @typedef {{version: string, build: string, used: number,
 *   fpb: {version: number, code: number, literal: number, enabled: boolean},
 *   remap: {table: string} | null, memory: {address: number, size: number, free: number} | null,
 *   elf_matches: boolean | null, slots: Slot[]}} Info */
/** @typedef {{kind: "inject", source: string, slot: number | null} | {kind: "reapply"} |
 *   {kind: "verify"}} Order */
/** @typedef {"queued" | "running" | import("./job.js").Ended} JobState */
/** @typedef {{state: JobState, cancelling: boolean, stage: string | null, done: number | null,
 *   total: number | null, result: any, error: {code: string, message: string} | null}} Progress */
/** @typedef {Progress & {task: number, board: string, port: string, function: string | null,
 *   attempt: number, retries: {code: string, message: string}[]}} TaskSnapshot */
/** @typedef {Progress & {id: string, kind: string, created: string, board: string | null, port: string | null,
 *   last_event: string | null, tasks: TaskSnapshot[]}} JobSnapshot  a batch has tasks, not a board */

/** What the server, or the way to it, had to say instead of an answer. */
export class Problem extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const PATIENCE_MS = 30_000;
export const MAX_SYMBOLS = 50; // in one answer
const UNREACHABLE = "The server does not answer. Is it still running?";

/** @param {Response} response @returns {Promise<Problem>} */
async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  // A proxy's 502 says as little of what became of the request as no answer.
  const untyped = response.status >= 500 ? "unreachable" : `http-${response.status}`;
  const code = String(body.type ?? "").replace("/errors/", "") || untyped;
  const message = body.detail ?? body.title ?? response.statusText;
  return new Problem(code, message || `The server answered ${response.status}.`);
}

/**
 * @param {string} path  relative to the page, so that the page may live behind any prefix
 * @param {object} [body]  sent as JSON
 * @param {{method?: string, headers?: Record<string, string>}} [how]  POST what has a body, else GET
 * @returns {Promise<any>}
 */
async function json(path, body, how = {}) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method: how.method ?? (body ? "POST" : "GET"),
      headers: { ...(body && { "Content-Type": "application/json" }), ...how.headers },
      body: body ? JSON.stringify(body) : null,
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Problem("unreachable", UNREACHABLE);
  }
  if (!response.ok) throw await problemOf(response);
  return response.json().catch(() => {
    throw new Problem("unreachable", "The server's answer broke off.");
  });
}

/**
 * @param {string} path @param {string} board  its id; "" leaves it to the server
 * @param {Record<string, string>} [query]
 */
const of = (path, board, query) =>
  `${path}?${new URLSearchParams({ ...(board && { board }), ...query })}`;

/** @returns {Promise<Status[]>} */
export const getBoards = () => json("api/boards");

/** @returns {Promise<Port[]>} */
export const getPorts = () => json("api/ports");

/**
 * Connect in place of `board`, or, with "", as a new one.
 * @param {string} board @param {{port: string, baudrate: number, elf: string | null}} to
 * @returns {Promise<Status>}
 */
export const connect = (board, to) => json(of("api/connect", board), to);

/** @param {string} board @returns {Promise<Status>} */
export const disconnect = (board) => json(of("api/disconnect", board), {});

/** @param {string} board @returns {Promise<Info>} */
export const getInfo = (board) => json(of("api/fpb/info", board));

/** @param {string} board @returns {Promise<{round_trip_ms: number}>} */
export const ping = (board) => json(of("api/fpb/ping", board), {});

/** @param {string} board @param {{slot: number} | {all: true}} which @returns {Promise<Info>} */
export const unpatch = (board, which) => json(of("api/fpb/unpatch", board), which);

/** @param {string} board @param {{slot: number, enable: boolean}} what @returns {Promise<Info>} */
export const enable = (board, what) => json(of("api/fpb/enable", board), what);

/** @param {string} board @param {string} query @returns {Promise<Symbol[]>} */
export const getSymbols = (board, query) =>
  json(of("api/symbols", board, { q: query, limit: String(MAX_SYMBOLS) }));

/** @param {string} board @param {Order} what @param {string} key @returns {Promise<JobSnapshot>} */
export const order = (board, what, key) =>
  json(of("api/jobs", board), what, { headers: { "Idempotency-Key": key } });

/** @returns {Promise<JobSnapshot[]>} the last ones */
export const getBatches = () => json("api/jobs?kind=batch&limit=10");

/** @param {string} job @returns {Promise<JobSnapshot>} */
export const getJob = (job) => json(`api/jobs/${job}`);

/** @param {string} job @param {number} [task]  of a batch @returns {Promise<JobSnapshot>} */
export const cancel = (job, task) =>
  json(`api/jobs/${job}${task === undefined ? "" : `/tasks/${task}`}`, undefined, {
    method: "DELETE",
  });
