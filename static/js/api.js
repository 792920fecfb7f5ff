// @ts-check
/** The server's HTTP interface as functions. Nothing here touches the page. */

import { createParser } from "./sse.js";

/** @typedef {{state: "disconnected" | "connected" | "lost", port: string | null,
 *   baudrate: number | null, elf: string | null, firmware: string | null, toolchain: string,
 *   job: string | null, error: string | null}} Status */
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
/** @typedef {{source: string, slot: number | null}} InjectRequest */

/** What the server, or the way to it, had to say instead of an answer. */
export class Problem extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const PATIENCE_MS = 30_000; // also three missed heartbeats of 10 s
export const MAX_SYMBOLS = 50; // in one answer
const UNREACHABLE = "The server does not answer. Is it still running?";

/** @param {Response} response @returns {Promise<Problem>} */
async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const code = String(body.type ?? "").replace("/errors/", "") || `http-${response.status}`;
  const message = body.detail ?? body.title ?? response.statusText;
  return new Problem(code, message || `The server answered ${response.status}.`);
}

/**
 * @param {string} path  relative to the page, so that the page may live behind any prefix
 * @param {object} [body]  posted as JSON; none: GET
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>}
 */
async function ask(path, body, signal = AbortSignal.timeout(PATIENCE_MS)) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method: body ? "POST" : "GET",
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : null,
      cache: "no-store",
      signal,
    });
  } catch {
    throw new Problem("unreachable", UNREACHABLE);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** @param {string} path @param {object} [body] @returns {Promise<any>} */
async function json(path, body) {
  const response = await ask(path, body);
  return response.json().catch(() => {
    throw new Problem("unreachable", "The server's answer broke off.");
  });
}

/** @returns {Promise<Status>} */
export const getStatus = () => json("api/status");

/** @returns {Promise<Port[]>} */
export const getPorts = () => json("api/ports");

/** @param {{port: string, baudrate: number, elf: string | null}} to @returns {Promise<Status>} */
export const connect = (to) => json("api/connect", to);

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

/**
 * Inject, and yield the job's events as they come. Returns after `end`, or when the stream broke:
 * whether it was `end`, the caller has seen.
 * @param {InjectRequest} request
 * @returns {AsyncGenerator<any, void, void>}
 */
export async function* injectEvents(request) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), PATIENCE_MS);
  try {
    const response = await ask("api/fpb/inject/stream", request, silence.signal);
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    const parse = createParser();
    while (reader) {
      const piece = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (piece.done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), PATIENCE_MS);
      for (const event of parse(decoder.decode(piece.value, { stream: true }))) {
        yield JSON.parse(event.data);
        if (event.event === "end") return;
      }
    }
  } finally {
    clearTimeout(timer);
    silence.abort(); // gives the connection back to the browser's pool at once
  }
}
