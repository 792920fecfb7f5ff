// @ts-check
/** What the page knows of the board, and the user's actions on it. Nothing here touches the page. */

import * as api from "./api.js";
import { countInWords, duration } from "./text.js";

/** What is known before the server has answered. */
export const UNKNOWN = {
  stream: /** @type {import("./events.js").StreamState} */ ("connecting"),
  status: /** @type {api.Status | null} */ (null),
  ports: /** @type {api.Port[] | null} */ (null),
  info: /** @type {api.Info | null} */ (null),
  symbols: /** @type {api.Symbol[]} */ ([]),
  symbolNote: "",
  query: "",
  roundTrip: "",
  connecting: false,
  busy: false, // a change of the slots is on its way
};

/**
 * @param {typeof UNKNOWN} state  kept up to date
 * @param {{render: () => void, mark: (text: string) => void,
 *   notice: {show: (error: unknown) => void, clear: () => void}}} page
 */
export function createBoard(state, { render, mark, notice }) {
  /**
   * Do what may fail; a failure is told, and ends there.
   * @template T
   * @param {() => Promise<T>} work @returns {Promise<T | undefined>}
   */
  async function attempt(work) {
    try {
      return await work();
    } catch (error) {
      notice.show(error);
      return undefined;
    } finally {
      render();
    }
  }

  /** @param {api.Status | null} status  null: the server does not answer */
  function take(status) {
    const board = (/** @type {api.Status | null} */ of) => of && [of.state, of.port, of.elf].join();
    const lost = (/** @type {api.Status | null} */ of) => JSON.stringify(of?.lost_patches);
    const changed = board(status) !== board(state.status);
    const ended = state.status?.job != null && status?.job === null;
    const reset = lost(status) !== lost(state.status);
    const error = status?.error ?? null;
    if (error !== (state.status?.error ?? null)) {
      if (error) notice.show({ message: error });
      else if (status) notice.clear();
    }
    state.status = status;
    if (status && changed) loadBoard();
    else if (ended || reset) refreshInfo();
    render();
  }

  /** @type {Promise<void> | null} */
  let polling = null;

  /** Ask once how things stand, however many want to know. @returns {Promise<void>} */
  function poll() {
    polling ??= lookAround().finally(() => {
      polling = null;
    });
    return polling;
  }

  async function lookAround() {
    const isLive = () => state.stream === "live"; // then the stream tells, and what it tells is newer
    const status = isLive() ? null : await api.getStatus().catch(() => null);
    if (!isLive()) take(status);
    if (state.ports && state.status?.state === "connected") return; // nobody chooses now
    state.ports = await api.getPorts().catch(() => state.ports);
    render();
  }

  function loadBoard() {
    state.roundTrip = "";
    state.info = null;
    if (state.status?.state === "connected") refreshInfo();
    search(state.query);
  }

  async function refreshInfo() {
    if (state.busy || state.status?.job) return; // the end of a job refreshes anyway
    state.busy = true;
    render();
    const info = await attempt(() => api.getInfo().catch(unlessBusy));
    state.busy = false;
    state.info = info ?? null; // what is not known is not shown
    render();
  }

  /** @param {api.Problem} problem  no news where a job has begun meanwhile: its end refreshes */
  function unlessBusy(problem) {
    if (problem.code !== "board-busy") throw problem;
    return state.info;
  }

  /** @param {string} query */
  async function search(query) {
    state.query = query;
    if (state.status?.state !== "connected") {
      state.symbols = [];
      state.symbolNote = "Connect a board, and give its ELF, to see its functions";
      return render();
    }
    const found = await api.getSymbols(query).catch((/** @type {api.Problem} */ problem) => problem);
    if (query !== state.query) return; // a later search has overtaken this one
    state.symbols = found instanceof Error ? [] : found;
    state.symbolNote =
      found instanceof Error ? found.message : countInWords(found.length, api.MAX_SYMBOLS, query);
    render();
  }

  /** @param {{port: string, baudrate: number, elf: string | null}} to */
  async function connect(to) {
    notice.clear();
    state.connecting = true;
    render();
    const status = await attempt(() => api.connect(to, state.status?.board));
    state.connecting = false;
    if (status) mark(`connected to ${to.port}`);
    take(status ?? (await api.getStatus().catch(() => null)));
  }

  async function disconnect() {
    notice.clear();
    const status = await attempt(api.disconnect);
    if (status) take(status);
  }

  async function ping() {
    state.roundTrip = "…";
    const pong = await attempt(api.ping);
    state.roundTrip = pong ? duration(pong.round_trip_ms) : "no answer";
    render();
  }

  /** @param {() => Promise<api.Info>} work  what changes the slots, and answers what they are then */
  async function change(work) {
    if (state.busy) return;
    notice.clear();
    state.busy = true;
    render();
    const info = await attempt(work);
    state.busy = false;
    if (info) state.info = info;
    else if (state.status?.state === "connected") await refreshInfo();
    render();
  }

  return { take, poll, search, connect, disconnect, ping, change };
}
