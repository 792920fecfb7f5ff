// One stream for many tabs: each event once, and what one that comes later is told.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createHub, createPast } from "../../static/js/hub.js";
import { reader } from "../../static/js/stream.js";

const HELLO = { type: "hello", at: "b:0", boards: [], jobs: [] };
const line = (n) => ({ type: "log", at: `b:${n}`, text: `line ${n}` });
const job = (id, at, board = "b1") => ({ type: "job", at, job: { id, board } });
const of = (id, type, at) => ({ type, at, job: id });

const past = (...events) => {
  const kept = createPast();
  events.forEach(kept.add);
  return kept.events();
};

test("a later tab gets the last 200 lines, and a board's last state", () => {
  const lines = Array.from({ length: 300 }, (_, n) => line(n));
  const board = (at, state) => ({ type: "board", at, board: { board: "b1", state } });
  const kept = past(HELLO, board("b:1", "connected"), ...lines, board("b:400", "lost"));
  assert.deepEqual(kept, [HELLO, board("b:400", "lost"), ...lines.slice(100)]);
});

test("a later tab gets the story of a job, with its last progress alone", () => {
  const story = [job("j", "b:1"), of("j", "stage", "b:2"), of("j", "progress", "b:4")];
  const kept = past(HELLO, ...story.slice(0, 2), of("j", "progress", "b:3"), story[2]);
  assert.deepEqual(kept, [HELLO, ...story]);
});

test("the next job of a board replaces the one that ended, not another board's", () => {
  const ended = (id, board) => [job(id, "b:1", board), of(id, "end", "b:2")];
  const kept = past(HELLO, ...ended("one", "b1"), ...ended("two", "b2"), job("three", "b:5", "b1"));
  assert.deepEqual(kept, [HELLO, ...ended("two", "b2"), job("three", "b:5", "b1")]);
});

test("snapshots stand for all that was before, but for the output", () => {
  const reset = { ...HELLO, type: "reset", at: "c:3" };
  const kept = past(HELLO, job("j", "b:1"), line(2), reset, of("j", "stage", "b:9"));
  assert.deepEqual(kept, [{ ...reset, type: "hello" }, line(2)]);
});

test("a tab that takes the lead goes on where the last one stopped", () => {
  const first = past(HELLO, line(1));
  const asked = [];
  const follow = (_, cursor) => {
    asked.push(cursor);
    return { cursor: () => cursor };
  };
  const hub = createHub(() => {}, { cursor: "b:1", past: first }, follow);
  assert.deepEqual(asked, ["b:1"]);
  assert.deepEqual(hub.past().past, first);
});

function tab() {
  const [events, states] = [[], []];
  const take = reader({ onEvent: ({ at }) => events.push(at), onState: (s) => states.push(s) });
  return { take, events, states };
}

test("a tab takes nothing before it knows the past, and the past once", () => {
  const { take, events, states } = tab();
  take({ event: line(4) });
  take({ past: [HELLO, line(5)], cursor: "b:5", state: "live" });
  take({ past: [HELLO, line(5)], cursor: "b:5", state: "live" });
  take({ event: line(6) });
  assert.deepEqual(events, ["b:0", "b:5", "b:6"]);
  assert.deepEqual(states, ["live"]);
});

test("an event that comes twice is taken once, snapshots each time", () => {
  const { take, events } = tab();
  take({ past: [], cursor: "", state: "connecting" });
  for (const event of [HELLO, line(1), HELLO, line(1), line(2)]) take({ event });
  assert.deepEqual(events, ["b:0", "b:1", "b:0", "b:2"]);
});
