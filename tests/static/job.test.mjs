// The job as a value: what each event makes of it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { IDLE, reduce, STAGES } from "../../static/js/job.js";

const START = { type: "start" };
const stage = (name) => ({ type: "stage", stage: name, message: `${name}…` });
const progress = (done) => ({ type: "progress", stage: "upload", done, total: 900 });
const after = (...events) => events.reduce((job, event, index) => reduce(job, event, index * 10), IDLE);
const states = (job) => job.stages.map(({ state }) => state);
const ms = (job, name) => job.stages.find((entry) => entry.name === name).ms;

const RESULT = { function: "f", slot: 1, slots: [1], stages: { compile: 36, verify: 6 } };

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
  assert.equal(reduce(first, stage("alloc"), 99).progress.done, 300);
  assert.equal(reduce(first, stage("upload"), 99).progress, null);
});

test("success marks every stage done, with the server's times where it gives them", () => {
  const end = { type: "end", state: "succeeded", result: RESULT };
  const job = after(START, stage("compile"), stage("link"), stage("verify"), end);
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

test("an end in a state that is no success is a failure", () => {
  for (const state of ["failed", "cancelled", "interrupted", undefined]) {
    assert.equal(after(START, { type: "end", state, code: "x" }).phase, "failed");
  }
});

test("a lost stream is neither success nor failure", () => {
  const job = after(START, stage("upload"), { type: "lost" });
  assert.equal(job.phase, "lost");
  assert.equal(job.result, null);
  assert.equal(job.failure, null);
});

test("a new start forgets everything of the last job", () => {
  const end = { type: "end", state: "succeeded", result: RESULT };
  const job = after(START, { type: "hello", job: "1" }, { type: "warning", message: "w" }, end, START);
  assert.deepEqual({ ...job, phase: "idle", message: "" }, IDLE);
  assert.equal(job.phase, "running");
});

test("warnings are collected in their order", () => {
  const warn = (message) => ({ type: "warning", message });
  assert.deepEqual(after(START, warn("a"), warn("b")).warnings, ["a", "b"]);
});

test("events and stages this page does not know change nothing", () => {
  const job = after(START, stage("compile"));
  assert.equal(reduce(job, { type: "hb" }, 50), job);
  assert.equal(reduce(job, { type: "of-the-future" }, 50), job);
  assert.deepEqual(states(reduce(job, stage("of-the-future"), 50)).slice(1), states(IDLE).slice(1));
});
