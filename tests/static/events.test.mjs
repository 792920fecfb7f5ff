// Following the stream of everything: reconnect, resume, and notice silence.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { followEvents, isAfter, SILENCE_MS } from "../../static/js/events.js";

/** What a browser's EventSource shows to the page. */
class Source extends EventTarget {
  readyState = 1;

  constructor(url) {
    super();
    this.query = url.split("/api/events?")[1];
  }

  say(type, data = {}, lastEventId = "") {
    const event = new Event(type);
    this.dispatchEvent(Object.assign(event, { data: JSON.stringify({ type, ...data }), lastEventId }));
  }

  close() {
    this.readyState = 2;
  }
}

let sources, events, states, stream;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  [sources, events, states] = [[], [], []];
  const handlers = {
    onEvent: (event) => events.push(event),
    onState: (state) => states.push(state),
  };
  stream = followEvents(handlers, "", (url) => {
    sources.push(new Source(url));
    return sources.at(-1);
  });
  stream.open();
});

const latest = () => sources.at(-1);

test("who comes for the first time asks for what was lately", () => {
  assert.equal(latest().query, "last=200");
});

test("events arrive with their ids, signs of life do not, and hello makes it live", () => {
  latest().say("hello", {}, "b:1");
  latest().say("hb", {}, "b:1");
  latest().say("log", { text: "LED on" }, "b:2");
  assert.deepEqual(events, [
    { type: "hello", at: "b:1" },
    { type: "log", text: "LED on", at: "b:2" },
  ]);
  assert.equal(states.at(-1), "live");
  assert.equal(stream.cursor(), "b:2");
});

test("after three missed heartbeats a new source resumes at the last id", () => {
  latest().say("log", { text: "a" }, "b:5");
  mock.timers.tick(SILENCE_MS - 1);
  assert.equal(sources.length, 1);
  latest().say("hb"); // no id: the cursor stays
  mock.timers.tick(SILENCE_MS);
  assert.equal(states.at(-1), "lost");
  assert.equal(sources[0].readyState, 2);
  assert.equal(latest().query, "since=b%3A5");
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
  assert.equal(latest().query, "since=b%3A3");
});

test("closed means closed: no timer opens it again, and open goes on", () => {
  latest().say("hello", {}, "b:3");
  stream.close();
  mock.timers.tick(10 * SILENCE_MS);
  assert.equal(sources.length, 1);
  stream.open();
  assert.equal(latest().query, "since=b%3A3");
});

test("shutdown is told as such", () => {
  latest().say("shutdown");
  assert.equal(states.at(-1), "shutdown");
});

test("ids are ordered by their numbers, in one run of the server", () => {
  const cases = [
    ["b:10", "b:9", true],
    ["b:9", "b:10", false],
    ["b:9", "b:9", false],
    ["c:1", "b:9", true],
    ["b:1", "", true],
    ["", "b:1", false],
  ];
  for (const [at, other, expected] of cases) assert.equal(isAfter(at, other), expected, `${at} ${other}`);
});
