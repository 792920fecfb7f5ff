// @ts-check
/**
 * Follow the server's one stream of everything, over every break. Nothing here touches the page:
 * it runs in a shared worker as well as in a tab.
 * Source: WHATWG HTML, "Server-sent events".
 */

/** @typedef {"connecting" | "live" | "lost" | "shutdown"} StreamState */
/** @typedef {{type: string, at: string, [field: string]: any}} ServerEvent
 * The event's data, and `at`, its id: where to go on from. */
/** @typedef {{onEvent: (event: ServerEvent) => void, onState: (state: StreamState) => void}}
 *   Handlers */

export const SILENCE_MS = 30_000; // three missed heartbeats of 10 s
const RETRY_MS = 2000;
const CLOSED = 2; // EventSource.CLOSED: the browser has given up for ever
const EVENTS = new URL("../../api/events", import.meta.url).href; // a worker is elsewhere than the page
const REPLAY = 200; // events from before, for who comes for the first time
const NAMES = [
  ...["hello", "reset", "board", "job", "stage", "progress", "log", "warning", "end"],
  ...["task-start", "task-progress", "task-retry", "task-complete", "task-failed"], // of a batch
];
const SIGNS_OF_LIFE = ["hb", "shutdown"]; // named events, since a page cannot see comments

/**
 * Tell whether an event comes after another. Of two runs of the server, each comes after the other.
 * @param {string} at @param {string} other  ids, `BOOT:number`; "" is before everything
 */
export function isAfter(at, other) {
  const [boot, number] = at.split(":");
  const [otherBoot, otherNumber] = other.split(":");
  return at !== "" && (boot !== otherBoot || Number(number) > Number(otherNumber));
}

/**
 * @param {Handlers} handlers
 * @param {string} [cursor]  the id of the last event that is known
 * @param {(url: string) => EventSource} [connect]
 * @returns {{open: () => void, close: () => void, cursor: () => string}}
 *   `open` goes on where `close` left off
 */
export function followEvents(handlers, cursor = "", connect = (url) => new EventSource(url)) {
  /** @type {EventSource | null} */
  let source = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  /** @param {number} after_ms */
  function reopenUnlessHeard(after_ms) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      handlers.onState("lost");
      open();
    }, after_ms);
  }

  /** @param {Event} event */
  function heard(event) {
    const { type, data, lastEventId } = /** @type {MessageEvent} */ (event);
    cursor = lastEventId || cursor;
    reopenUnlessHeard(SILENCE_MS);
    handlers.onState(type === "shutdown" ? "shutdown" : "live");
    if (NAMES.includes(type)) handlers.onEvent({ ...JSON.parse(data), at: cursor });
  }

  function open() {
    close();
    // A new EventSource sends no Last-Event-ID; one that reconnects by itself does, and it wins.
    const from = cursor ? `since=${encodeURIComponent(cursor)}` : `last=${REPLAY}`;
    const stream = connect(`${EVENTS}?${from}`);
    source = stream;
    for (const type of [...NAMES, ...SIGNS_OF_LIFE]) stream.addEventListener(type, heard);
    stream.onerror = () => {
      handlers.onState("lost");
      if (stream.readyState === CLOSED) reopenUnlessHeard(RETRY_MS);
    };
    reopenUnlessHeard(SILENCE_MS);
  }

  return { open, close, cursor: () => cursor };
}
