// @ts-check
/** The server's boards, and the one of them that a tab shows. Nothing here touches the page. */

/** @typedef {import("./api.js").Status} Status */

export const ANOTHER = "another"; // in place of an id: a board that is about to be connected

/** @param {string} id  tells whether it is one of a board: the first is not known at the beginning */
export const isBoard = (id) => id !== "" && id !== ANOTHER;

/** What is known of a board that the server does not have yet. @type {Status} */
const NOTHING_YET = {
  board: "",
  state: "disconnected",
  port: null,
  baudrate: null,
  elf: null,
  firmware: null,
  toolchain: "",
  job: null,
  doubt: null,
  error: null,
  reconnect: false,
  lost_patches: [],
};

/**
 * @param {Status[] | null} boards  null: the server does not answer
 * @param {string} chosen  an id or `ANOTHER`; of a server that has no such board the first is shown
 * @returns {Status | null}
 */
export function shownOf(boards, chosen) {
  if (!boards) return null;
  if (chosen === ANOTHER) return NOTHING_YET;
  return boards.find(({ board }) => board === chosen) ?? boards[0] ?? null;
}

/**
 * Return the boards after news of one of them.
 * @param {Status[] | null} boards @param {Status} news @returns {Status[]}
 */
export function withNews(boards, news) {
  const known = boards ?? [];
  const isNew = !known.some(({ board }) => board === news.board);
  return isNew ? [...known, news] : known.map((old) => (old.board === news.board ? news : old));
}

/** @param {Status} board */
export function boardInWords({ board, state, port, job }) {
  const condition = ["lost", "connecting"].includes(state) ? state : job ? "busy" : "";
  return [board, port ?? "not connected", condition].filter(Boolean).join(" · ");
}
