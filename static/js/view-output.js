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
 * @returns {{line: (line: {text: string, time: string}) => void, mark: (text: string) => void,
 *   update: (state: {stream: import("./events.js").StreamState,
 *     status: import("./api.js").Status | null}) => void}}
 */
export function outputView() {
  const output = byId("output", HTMLDivElement);
  const pause = byId("pause", HTMLButtonElement);
  const streamState = byId("stream-state", HTMLParagraphElement);
  /** @type {HTMLElement[]} */
  let pending = [];
  let paused = false;
  let scheduled = false;
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
    pending = [];
    output.replaceChildren();
    atBottom = true;
    flush();
  });

  function flush() {
    scheduled = false;
    const news = paused && pending.length ? `Resume (${pending.length} new)` : "Resume";
    say(pause, paused ? news : "Pause");
    if (paused || !pending.length) return;
    output.append(...pending);
    pending = [];
    while (output.childElementCount > MAX_LINES) output.firstElementChild?.remove();
    if (atBottom) output.scrollTop = output.scrollHeight;
  }

  /** @param {HTMLElement} row */
  function add(row) {
    pending.push(row);
    if (pending.length > MAX_LINES) pending.shift();
    if (!scheduled) requestAnimationFrame(flush); // one layout per frame, however fast the board
    scheduled = true;
  }

  return {
    line: ({ text, time }) => {
      const stamp = make("time", "", timeOfDay(time));
      add(make("div", "line", stamp, make("span", "", stripAnsi(text))));
    },
    mark: (text) => add(make("div", "mark", make("span", "", text))),
    update: ({ stream, status }) => {
      const silent = stream === "live" && status?.state !== "connected"; // no board to be live of
      streamState.dataset.state = silent ? "" : stream;
      say(streamState, silent ? "" : STREAM_WORDS[stream]);
    },
  };
}
