// @ts-check
/** What the board prints, the last lines of it. */

import { byId, make, say } from "./dom.js";
import { stripAnsi, timeOfDay } from "./text.js";

const MAX_LINES = 2000;

const STREAM_WORDS = {
  connecting: "connecting",
  live: "live",
  lost: "stream lost, reconnecting",
  shutdown: "the server shuts down",
};

/**
 * @param {{render: () => void}} page
 * @returns {{line: (line: {board: string, text: string, time: string}) => void,
 *   mark: (text: string, board?: string) => void,
 *   update: (state: {stream: import("./events.js").StreamState, board: string,
 *     status: import("./api.js").Status | null}) => void}}
 */
export function outputView({ render }) {
  const output = byId("output", HTMLDivElement);
  const pause = byId("pause", HTMLButtonElement);
  const streamState = byId("stream-state", HTMLParagraphElement);
  /** @type {Map<string, HTMLElement[]>} what each board printed, for when it is shown */
  const kept = new Map();
  let shown = "";
  /** @type {HTMLElement[]} */
  let pending = [];
  let paused = false;
  let atBottom = true;
  let top = 0; // where it was scrolled to last

  output.addEventListener("scroll", () => {
    // Only the user scrolls up; a panel that shrinks leaves the bottom too, and stays where it is.
    const below = output.scrollHeight - output.scrollTop - output.clientHeight;
    if (below < 8) atBottom = true;
    else if (output.scrollTop < top) atBottom = false;
    top = output.scrollTop;
  });
  new ResizeObserver(() => {
    if (atBottom) output.scrollTop = output.scrollHeight;
  }).observe(output);
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) atBottom = true;
    flush();
  });
  byId("clear", HTMLButtonElement).addEventListener("click", () => {
    kept.delete(shown);
    begin();
    flush();
  });

  function flush() {
    const news = paused && pending.length ? `Resume (${pending.length} new)` : "Resume";
    say(pause, paused ? news : "Pause");
    if (paused || !pending.length) return;
    output.append(...pending);
    pending = [];
    while (output.childElementCount > MAX_LINES) output.firstElementChild?.remove();
    if (atBottom) output.scrollTop = output.scrollHeight;
  }

  /** Begin with what there is of the board. */
  function begin() {
    pending = [...(kept.get(shown) ?? [])];
    output.replaceChildren();
    atBottom = true;
  }

  /** @param {HTMLElement[]} rows @param {HTMLElement} row */
  function push(rows, row) {
    rows.push(row);
    if (rows.length > MAX_LINES) rows.shift();
  }

  /** @param {string} board @param {HTMLElement} row */
  function add(board, row) {
    const rows = kept.get(board) ?? [];
    kept.set(board, rows);
    push(rows, row);
    if (board !== shown) return;
    push(pending, row);
    render();
  }

  return {
    line: ({ board, text, time }) => {
      const stamp = make("time", "", timeOfDay(time));
      add(board, make("div", "line", stamp, make("span", "", stripAnsi(text))));
    },
    mark: (text, board) => {
      const boards = board === undefined ? new Set([...kept.keys(), shown]) : [board];
      for (const each of boards) add(each, make("div", "mark", make("span", "", text)));
    },
    update: ({ stream, board, status }) => {
      if (board !== shown) {
        shown = board;
        begin();
      }
      flush();
      const silent = stream === "live" && status?.state !== "connected"; // no board to be live of
      streamState.dataset.state = silent ? "" : stream;
      say(streamState, silent ? "" : STREAM_WORDS[stream]);
    },
  };
}
