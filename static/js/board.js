// @ts-check
/** What the page knows of the boards, and the user's actions on one. Nothing here touches the page. */

import * as api from "./api.js";
import { ANOTHER, shownOf, withNews } from "./boards.js";
import { countInWords, duration } from "./text.js";

const PAUSE_MS = 50;

/** What is known before the server has answered. */
export const UNKNOWN = {
  stream: /** @type {import("./events.js").StreamState} */ ("connecting"),
  boards: /** @type {api.Status[] | null} */ (null),
  refusal: "", // why the server does not tell of them; "": it does not answer
  board: "", // the id of the one that is shown, or `ANOTHER`; all that follows is about it
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
 * @param {{render: () => void, mark: (text: string, board?: string) => void,
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

  /** @param {api.Status[] | null} boards  null: the server does not answer */
  function takeAll(boards) {
    state.boards = boards;
    show(shownOf(boards, state.board));
  }

  /** @param {api.Status} status  of any board */
  const take = (status) => takeAll(withNews(state.boards, status));

  /** @param {string} board  an id, or `ANOTHER` */
  function choose(board) {
    state.board = board;
    state.busy = false; // with the one that was shown
    takeAll(state.boards);
  }

  /** @param {api.Status | null} status */
  function show(status) {
    const board = (/** @type {api.Status | null} */ of) =>
      of && [of.board, of.state, of.port, of.elf].join();
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
    if (status?.board) state.board = status.board;
    if (status && changed) loadBoard();
    else if (ended) setTimeout(refreshInfo, PAUSE_MS); // what the user asks for next goes first
    else if (reset) refreshInfo();
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
    const boards = isLive() ? null : await api.getBoards().catch(refused);
    if (!isLive()) takeAll(boards);
    if (state.ports && state.status?.state === "connected") return; // nobody chooses now
    state.ports = await api.getPorts().catch(() => state.ports);
    render();
  }

  /** @param {api.Problem} problem @returns {null} */
  function refused({ code, message }) {
    state.refusal = code === "unreachable" ? "" : message;
    return null;
  }

  function loadBoard() {
    state.roundTrip = "";
    state.info = null;
    if (state.status?.state === "connected") refreshInfo();
    search(state.query);
  }

  async function refreshInfo() {
    if (state.busy || state.status?.job) return; // the end of a job refreshes anyway
    const { board } = state;
    state.busy = true;
    render();
    const info = await attempt(() => api.getInfo(board).catch(unlessBusy));
    if (board !== state.board) return; // another is shown by now
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
    const { board } = state;
    const found = await api
      .getSymbols(board, query)
      .catch((/** @type {api.Problem} */ problem) => problem);
    if (query !== state.query || board !== state.board) return; // overtaken by a later search
    state.symbols = found instanceof Error ? [] : found;
    state.symbolNote =
      found instanceof Error ? found.message : countInWords(found.length, api.MAX_SYMBOLS, query);
    render();
  }

  /** @param {{port: string, baudrate: number, elf: string | null}} to */
  async function connect(to) {
    notice.clear();
    const { board } = state;
    state.connecting = true;
    render();
    const status = await attempt(() => api.connect(board === ANOTHER ? "" : board, to));
    state.connecting = false;
    if (!status) return takeAll(await api.getBoards().catch(() => null));
    mark(`connected to ${to.port}`, status.board);
    if (board === state.board) state.board = status.board;
    take(status);
  }

  async function disconnect() {
    notice.clear();
    const status = await attempt(() => api.disconnect(state.board));
    if (status) take(status);
  }

  async function ping() {
    const { board } = state;
    state.roundTrip = "…";
    const pong = await attempt(() => api.ping(board));
    if (board !== state.board) return;
    state.roundTrip = pong ? duration(pong.round_trip_ms) : "no answer";
    render();
  }

  /**
   * @param {(board: string) => Promise<api.Info>} work  what changes the slots, and answers what
   *   they are then
   */
  async function change(work) {
    if (state.busy) return;
    notice.clear();
    const { board } = state;
    state.busy = true;
    render();
    const info = await attempt(() => work(board));
    if (board !== state.board) return;
    state.busy = false;
    if (info) state.info = info;
    else if (state.status?.state === "connected") await refreshInfo();
    render();
  }

  return { take, takeAll, choose, poll, search, connect, disconnect, ping, change };
}
