// @ts-check
/** The server's HTTP interface as functions. Nothing here touches the page. */

/** @typedef {{board: string, state: "disconnected" | "connected" | "lost", port: string | null,
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
/** @typedef {{id: string, kind: string, board: string | null, cancelling: boolean,
 *   state: "queued" | "running" | import("./job.js").Ended, stage: string | null,
 *   done: number | null, total: number | null, result: any, error: object | null,
 *   last_event: string | null, tasks: {board: string}[]}} JobSnapshot */

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

/** @returns {Promise<Status>} */
export const getStatus = () => json("api/status");

/** @returns {Promise<Port[]>} */
export const getPorts = () => json("api/ports");

/**
 * Connect in place of `board`, or as a new one.
 * @param {{port: string, baudrate: number, elf: string | null}} to @param {string} [board]
 * @returns {Promise<Status>}
 */
export const connect = (to, board) =>
  json(`api/connect${board ? `?${new URLSearchParams({ board })}` : ""}`, to);

/** @returns {Promise<Status>} */
export const disconnect = () => json("api/disconnect", {});

/** @returns {Promise<Info>} */
export const getInfo = () => json("api/fpb/info");

/** @returns {Promise<{round_trip_ms: number}>} */
export const ping = () => json("api/fpb/ping", {});

/** @param {{slot: number} | {all: true}} which @returns {Promise<Info>} */
export const unpatch = (which) => json("api/fpb/unpatch", which);

/** @param {number} slot @param {boolean} enable @returns {Promise<Info>} */
export const enable = (slot, enable) => json("api/fpb/enable", { slot, enable });

/** @param {string} query @returns {Promise<Symbol[]>} */
export const getSymbols = (query) =>
  json(`api/symbols?${new URLSearchParams({ q: query, limit: String(MAX_SYMBOLS) })}`);

/** @param {Order} what @param {string} key @returns {Promise<JobSnapshot>} */
export const order = (what, key) =>
  json("api/jobs", what, { headers: { "Idempotency-Key": key } });

/** @param {string} job @returns {Promise<JobSnapshot>} */
export const getJob = (job) => json(`api/jobs/${job}`);

/** @param {string} job @returns {Promise<JobSnapshot>} */
export const cancel = (job) => json(`api/jobs/${job}`, undefined, { method: "DELETE" });
