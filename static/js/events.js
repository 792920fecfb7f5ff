// @ts-check
/** Follow the board's output for ever. The server's events become calls; nothing here touches the page. */

/** @typedef {"connecting" | "live" | "lost" | "shutdown"} StreamState */
/** @typedef {{onLine: (line: {text: string, time: string}) => void, onReset: () => void,
 *   onWarning: (message: string) => void, onState: (state: StreamState) => void}} Handlers */

export const SILENCE_MS = 30_000; // three missed heartbeats of 10 s
const RETRY_MS = 2000;
const CLOSED = 2; // EventSource.CLOSED: the browser has given up for ever

/**
 * @param {string} url
 * @param {Handlers} handlers
 * @param {(url: string) => EventSource} [connect]
 * @returns {{open: () => void, close: () => void}}  `open` goes on where `close` left off
 */
export function followLog(url, handlers, connect = (to) => new EventSource(to)) {
  let cursor = "";
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
    if (type === "log") handlers.onLine(JSON.parse(data));
    if (type === "warning") handlers.onWarning(JSON.parse(data).message);
    if (type === "reset") handlers.onReset();
  }

  function open() {
    close();
    // A new EventSource sends no Last-Event-ID; one that reconnects by itself does, and it wins.
    const stream = connect(cursor ? `${url}?since=${encodeURIComponent(cursor)}` : url);
    source = stream;
    for (const type of ["hello", "log", "warning", "reset", "hb", "shutdown"]) {
      stream.addEventListener(type, heard);
    }
    stream.onerror = () => {
      handlers.onState("lost");
      if (stream.readyState === CLOSED) reopenUnlessHeard(RETRY_MS);
    };
    reopenUnlessHeard(SILENCE_MS);
  }

  return { open, close };
}
