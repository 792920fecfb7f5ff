// The job as a value: what each event makes of it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { canCancel, IDLE, reduce, STAGES } from "../../static/js/job.js";

const SNAPSHOT = {
  id: "j", kind: "inject", board: "b1", port: "emu://x", state: "running", cancelling: false, stage: null,
  done: null, total: null, result: null, error: null, last_event: null, tasks: [],
};
const START = { type: "job", job: SNAPSHOT };
const snapshot = (fields) => ({ type: "job", job: { ...SNAPSHOT, ...fields } });
const stage = (name) => ({ type: "stage", stage: name, message: `${name}…` });
const progress = (done) => ({ type: "progress", stage: "upload", done, total: 900 });
const states = (job) => job.stages.map(({ state }) => state);
const ms = (job, name) => job.stages.find((entry) => entry.name === name).ms;

/** Events of the job in their order, ten milliseconds apart. */
const after = (...events) => further(IDLE, 0, ...events);
const further = (from, first, ...events) =>
  events.reduce((job, event, index) => {
    const number = first + index;
    const numbered = event.type === "job" ? event : { job: "j", at: `b:${number}`, ...event };
    return reduce(job, numbered, number * 10);
  }, from);

const RESULT = { function: "f", slot: 1, slots: [1], stages: { compile: 36, verify: 6 } };
const END = { type: "end", state: "succeeded", result: RESULT };

test("a stage that begins ends the one before", () => {
  const job = after(START, stage("compile"), stage("link"));
  assert.deepEqual(states(job), ["done", "running", "waiting", "waiting", "waiting", "waiting"]);
  assert.equal(ms(job, "compile"), 10);
  assert.equal(job.message, "link…");
});

test("a stage that comes again adds to its time", () => {
  const job = after(START, stage("link"), stage("alloc"), stage("link"), stage("upload"));
  assert.equal(ms(job, "link"), 20);
  assert.deepEqual(states(job).slice(0, 4), ["waiting", "done", "done", "running"]);
});

test("progress never goes back within an upload, and starts anew with the next", () => {
  const first = after(START, stage("upload"), progress(300), progress(200));
  assert.deepEqual(first.progress, { done: 300, total: 900 });
  assert.equal(further(first, 4, stage("alloc")).progress.done, 300);
  assert.equal(further(first, 4, stage("upload")).progress, null);
});

test("success takes the server's times where it gives them", () => {
  const job = after(START, ...STAGES.map(stage), END);
  assert.equal(job.phase, "succeeded");
  assert.deepEqual(states(job), STAGES.map(() => "done"));
  assert.deepEqual([ms(job, "compile"), ms(job, "link"), ms(job, "verify")], [36, 10, 6]);
  assert.equal(job.result, RESULT);
});

test("failure marks the stage that ran, and keeps what the server says", () => {
  const end = { type: "end", state: "failed", code: "compile", message: "no", board: "unchanged" };
  const job = after(START, stage("compile"), end);
  assert.equal(job.phase, "failed");
  assert.equal(job.stages[0].state, "failed");
  assert.equal(job.failure.board, "unchanged");
  assert.equal(job.result, null);
});

test("each way to end without success is told apart", () => {
  for (const state of ["failed", "cancelled", "interrupted"]) {
    assert.equal(after(START, { type: "end", state, code: "x" }).phase, state);
  }
});

test("a snapshot alone tells how far a job is", () => {
  const job = after(snapshot({ stage: "upload", done: 300, total: 900, last_event: "b:7" }));
  assert.deepEqual(states(job), ["done", "done", "done", "running", "waiting", "waiting"]);
  assert.deepEqual(job.progress, { done: 300, total: 900 });
  assert.equal(after(snapshot({ kind: "verify", stage: "verify" })).stages[0].state, "waiting");
});

test("a snapshot alone tells how a job ended", () => {
  const error = { code: "interrupted", message: "the server stopped", board: "unknown" };
  const job = after(snapshot({ state: "interrupted", stage: "upload", error }));
  assert.deepEqual([job.phase, job.stages[3].state, job.failure.board], ["interrupted", "failed", "unknown"]);
  assert.equal(after(snapshot({ state: "succeeded", result: RESULT })).result, RESULT);
});

test("what a snapshot has told already is not told again by events", () => {
  const job = after(snapshot({ stage: "upload", done: 300, total: 900, last_event: "b:7" }));
  assert.equal(further(job, 6, stage("link"), progress(10)), job);
  assert.equal(further(job, 8, progress(400)).progress.done, 400);
});

test("an older snapshot takes nothing back, but says whether the job is being cancelled", () => {
  const job = after(START, stage("compile"), stage("link"), stage("alloc"));
  const old = snapshot({ stage: "compile", last_event: "b:1", cancelling: true });
  assert.deepEqual(reduce(job, old, 99), { ...job, cancelling: true });
});

test("the end that the journal knows counts, although it knows less of what came before", () => {
  const job = after(START, stage("upload"), progress(1), progress(2));
  const end = snapshot({ state: "interrupted", stage: "upload", last_event: "b:1", error: {} });
  assert.equal(reduce(job, end, 99).phase, "interrupted");
});

test("an end is the end: no event and no snapshot changes it", () => {
  const job = after(START, stage("compile"), END);
  assert.equal(reduce(job, snapshot({ state: "running", last_event: "b:9" }), 99), job);
  assert.equal(further(job, 9, stage("link")), job);
});

test("another job takes the place of the one before and forgets all of it", () => {
  const job = after(START, { type: "warning", message: "w" }, stage("link"), snapshot({ id: "k" }));
  assert.deepEqual({ ...job, id: null, kind: "", place: "", phase: "idle", message: "" }, IDLE);
});

test("events of another job change nothing", () => {
  const job = after(START, stage("compile"));
  assert.equal(reduce(job, { ...stage("link"), job: "k", at: "b:9" }, 99), job);
  assert.equal(reduce(IDLE, { ...stage("link"), job: "k", at: "b:9" }, 99), IDLE);
});

test("a job can be cancelled once, and not in the switch-over", () => {
  assert.equal(canCancel(after(START, stage("upload"))), true);
  assert.equal(canCancel(after(START, stage("patch"))), false);
  assert.equal(canCancel(after(START, stage("verify"))), false);
  assert.equal(canCancel(after(snapshot({ cancelling: true }))), false);
  assert.equal(canCancel(after(START, END)), false);
});

test("warnings are collected in their order", () => {
  const warn = (message) => ({ type: "warning", message });
  assert.deepEqual(after(START, warn("a"), warn("b")).warnings, ["a", "b"]);
});

test("a job that was asked for without an answer is neither running nor failed", () => {
  const job = after({ type: "asking" }, { type: "unanswered" });
  assert.deepEqual([job.phase, job.failure], ["unanswered", null]);
});
