// Following the board's output: reconnect, resume, and notice silence.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { followLog, SILENCE_MS } from "../../static/js/events.js";

/** What a browser's EventSource shows to the page. */
class Source extends EventTarget {
  readyState = 1;

  constructor(url) {
    super();
    this.url = url;
  }

  say(type, data = {}, lastEventId = "") {
    const event = new Event(type);
    this.dispatchEvent(Object.assign(event, { data: JSON.stringify(data), lastEventId }));
  }

  close() {
    this.readyState = 2;
  }
}

let sources, lines, states, warnings, resets, log;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  [sources, lines, states, warnings, resets] = [[], [], [], [], 0];
  const handlers = {
    onLine: ({ text }) => lines.push(text),
    onState: (state) => states.push(state),
    onWarning: (message) => warnings.push(message),
    onReset: () => (resets += 1),
  };
  log = followLog("log", handlers, (url) => {
    sources.push(new Source(url));
    return sources.at(-1);
  });
  log.open();
});

const latest = () => sources.at(-1);

test("lines arrive, and hello makes it live", () => {
  latest().say("hello");
  latest().say("log", { text: "LED on" }, "b:1");
  assert.deepEqual(lines, ["LED on"]);
  assert.equal(states.at(-1), "live");
});

test("warnings and resets are passed on", () => {
  latest().say("warning", { message: "connection lost" }, "b:2");
  latest().say("reset", {}, "b:1");
  assert.deepEqual([warnings, resets], [["connection lost"], 1]);
});

test("after three missed heartbeats a new source resumes at the last id", () => {
  latest().say("log", { text: "a" }, "b:5");
  mock.timers.tick(SILENCE_MS - 1);
  assert.equal(sources.length, 1);
  latest().say("hb"); // no id: the cursor stays
  mock.timers.tick(SILENCE_MS);
  assert.equal(states.at(-1), "lost");
  assert.equal(sources[0].readyState, 2);
  assert.equal(latest().url, "log?since=b%3A5");
});

test("an error is shown at once and left to the browser while it retries", () => {
  latest().readyState = 0;
  latest().onerror();
  assert.equal(states.at(-1), "lost");
  mock.timers.tick(SILENCE_MS - 1);
  assert.equal(sources.length, 1);
});

test("a source that the browser gave up is replaced soon", () => {
  latest().say("hello", {}, "b:3");
  latest().readyState = 2;
  latest().onerror();
  mock.timers.tick(5000);
  assert.equal(sources.length, 2);
  assert.equal(latest().url, "log?since=b%3A3");
});

test("closed means closed: no timer opens it again", () => {
  log.close();
  mock.timers.tick(10 * SILENCE_MS);
  assert.equal(sources.length, 1);
  log.open();
  assert.equal(sources.length, 2);
});

test("shutdown is told as such", () => {
  latest().say("shutdown");
  assert.equal(states.at(-1), "shutdown");
});
