// @ts-check
/**
 * The browser's share of the stream: one connection for all tabs, of the six that it has for a
 * server. A shared worker holds it; without one, the tab that has the lock, for the others; and
 * where there are no locks either (plain HTTP from another machine), each visible tab its own.
 */

import { isAfter } from "./events.js";
import { createHub, createPast } from "./hub.js";

/** @typedef {import("./events.js").Handlers} Handlers */
/** @typedef {import("./hub.js").Message} Message */

const NAME = "fpbay.stream"; // of the worker, the lock and the channel
const ASK = "past?"; // what a tab says on the channel that comes later

/** @param {Handlers} handlers */
export function openStream(handlers) {
  if (!("SharedWorker" in globalThis)) return withoutWorker(handlers);
  const url = new URL("stream-worker.js", import.meta.url);
  const worker = new SharedWorker(url, { type: "module", name: NAME });
  const take = reader(handlers);
  worker.port.onmessage = ({ data }) => take(data);
  worker.onerror = () => withoutWorker(handlers); // its script does not load, or is not understood
  addEventListener("pagehide", () => worker.port.postMessage("bye"));
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload(); // it said that it goes, and was kept
  });
}

/** @param {Handlers} handlers */
function withoutWorker(handlers) {
  if ("locks" in navigator && "BroadcastChannel" in globalThis) byLeader(handlers);
  else alone(handlers);
}

/** @param {Handlers} handlers */
function byLeader({ onEvent, onState }) {
  const channel = new BroadcastChannel(NAME);
  const past = createPast(); // any tab may lead one day
  const take = reader({
    onState,
    onEvent(event) {
      past.add(event);
      onEvent(event);
    },
  });
  channel.onmessage = ({ data }) => data === ASK || take(data);
  channel.postMessage(ASK);
  navigator.locks.request(NAME, () => {
    const from = { cursor: take.cursor(), past: past.events() };
    const hub = createHub((message) => {
      take(message);
      channel.postMessage(message);
    }, from);
    channel.onmessage = ({ data }) => data === ASK && channel.postMessage(hub.past());
    take(hub.past());
    channel.postMessage(hub.past()); // whoever asked while there was no leader
    hub.open();
    return new Promise(() => {}); // until the tab goes
  });
}

/** @param {Handlers} handlers */
function alone(handlers) {
  const take = reader(handlers);
  const hub = createHub(take);
  const openOrClose = () => (document.hidden ? hub.close() : hub.open());
  document.addEventListener("visibilitychange", openOrClose);
  take(hub.past());
  openOrClose();
}

/**
 * Return what takes a hub's messages: the past once, then each event once.
 * @param {Handlers} handlers
 * @returns {((message: Message) => void) & {cursor: () => string}}
 */
export function reader({ onEvent, onState }) {
  let cursor = "";
  let knowsPast = false;

  /** @param {Message} message */
  function take(message) {
    if ("past" in message) {
      if (knowsPast) return; // another tab asked
      knowsPast = true;
      cursor = message.cursor;
      message.past.forEach(onEvent);
    }
    if (!knowsPast) return;
    if ("event" in message) {
      const { event } = message;
      const isNew = isAfter(event.at, cursor);
      if (isNew) cursor = event.at;
      if (isNew || event.type === "hello" || event.type === "reset") onEvent(event);
    } else {
      onState(message.state);
    }
  }

  return Object.assign(take, { cursor: () => cursor });
}
