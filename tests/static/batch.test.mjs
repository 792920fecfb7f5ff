// A batch and the boards as values: what each event makes of them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { goesOn, latest, reduceBatch } from "../../static/js/batch.js";
import { ANOTHER, boardInWords, shownOf, withNews } from "../../static/js/boards.js";
import { createPast } from "../../static/js/hub.js";

const task = (number, fields = {}) => ({
  task: number, board: "b1", port: "emu://x", function: null, state: "queued", cancelling: false,
  attempt: 0, retries: [], stage: null, done: null, total: null, result: null, error: null,
  ...fields,
});
const SNAPSHOT = {
  id: "j", kind: "batch", board: null, port: null, state: "running", cancelling: false, stage: null,
  done: null, total: null, result: null, error: null, last_event: null, tasks: [task(0), task(1)],
};
const snapshot = (fields) => ({ type: "job", job: { ...SNAPSHOT, ...fields } });
const of = (number, type, fields) => ({ type, task: number, ...fields });

/** Events of the batch in their order. */
const after = (...events) =>
  events.reduce((batch, event, number) => {
    const numbered = event.type === "job" ? event : { job: "j", at: `b:${number}`, ...event };
    return reduceBatch(batch, numbered);
  }, undefined);

test("each task goes its own way, and the end tells the time", () => {
  const why = { code: "port", message: "no port" };
  const batch = after(
    snapshot(),
    of(0, "task-start"),
    of(0, "task-progress", { stage: "upload", message: "Uploading" }),
    of(0, "task-progress", { done: 5, total: 10 }),
    of(1, "task-start"),
    of(0, "task-retry", { attempt: 2, reason: why }),
    of(0, "task-failed", { state: "failed", error: why }),
    of(1, "task-complete", { result: { function: "f" } }),
    { type: "end", state: "failed", result: { elapsed_ms: 7 } },
  );
  const [first, second] = batch.tasks;
  assert.deepEqual([first.state, first.attempt, first.retries, first.error], ["failed", 2, [why], why]);
  assert.deepEqual([second.state, second.result.function], ["succeeded", "f"]);
  assert.deepEqual([batch.state, batch.elapsed_ms, goesOn(batch)], ["failed", 7, false]);
});

test("a new stage forgets the progress of the one before", () => {
  const upload = [of(0, "task-progress", { stage: "upload" }), of(0, "task-progress", { done: 5, total: 10 })];
  const [first] = after(snapshot(), ...upload).tasks;
  assert.deepEqual([first.stage, first.done, first.total], ["upload", 5, 10]);
  const [later] = after(snapshot(), ...upload, of(0, "task-progress", { stage: "patch" })).tasks;
  assert.deepEqual([later.stage, later.done], ["patch", null]);
});

test("an older snapshot tells only what was asked to stop, a newer one all", () => {
  const batch = after(snapshot(), of(0, "task-start"), of(0, "task-complete", { result: {} }));
  const asked = [task(0), task(1, { cancelling: true })];
  const older = reduceBatch(batch, snapshot({ last_event: "b:1", tasks: asked }));
  assert.deepEqual(older.tasks.map(({ state, cancelling }) => [state, cancelling]), [
    ["succeeded", false],
    ["queued", true],
  ]);
  const newer = reduceBatch(batch, snapshot({ last_event: "b:9", tasks: asked }));
  assert.deepEqual(newer.tasks, asked);
});

test("an end is the end, and what is older or of another changes nothing", () => {
  const batch = after(snapshot(), of(0, "task-start"), { type: "end", state: "cancelled" });
  assert.equal(reduceBatch(batch, { ...of(1, "task-start"), job: "j", at: "b:9" }), batch);
  assert.equal(reduceBatch(batch, snapshot({ last_event: "b:9" })), batch);
  const running = after(snapshot(), of(0, "task-start"));
  assert.equal(reduceBatch(running, { ...of(1, "task-start"), job: "j", at: "b:1" }), running);
  assert.equal(reduceBatch(undefined, { ...of(1, "task-start"), job: "j", at: "b:1" }), undefined);
});

test("of interest are the batches that go on and the last that ended", () => {
  const batch = (created, state, elapsed_ms) => ({
    id: `${created}`, created: new Date(created).toISOString(), state, elapsed_ms,
  });
  const ids = (...batches) => latest(batches).map(({ id }) => id);
  const over = [1, 2, 3, 4].map((created) => batch(created, "succeeded", 1));
  assert.deepEqual(ids(...over), ["4", "3", "2"]);
  assert.deepEqual(ids(...over, batch(0, "running", null)), ["4", "3", "2", "0"]);
  assert.deepEqual(ids(...over, batch(0, "cancelled", 9)), ["4", "3", "0"]);
  assert.deepEqual(ids(...over, batch(5, "interrupted", null)), ["5", "4", "3"]);
});

test("a tab that comes later is told a task's last progress alone", () => {
  const kept = createPast();
  const progress = (at, number, fields) => ({ type: "task-progress", at, job: "j", task: number, ...fields });
  const begun = { ...snapshot(), at: "b:1" };
  const stages = [progress("b:2", 0, { stage: "upload" }), progress("b:3", 1, { stage: "upload" })];
  for (const event of [begun, ...stages, progress("b:4", 0, { done: 1, total: 9 })]) kept.add(event);
  const last = progress("b:5", 0, { done: 2, total: 9 });
  kept.add(last);
  assert.deepEqual(kept.events(), [begun, ...stages, last]);
});

test("the chosen board is shown, or the first where there is none such", () => {
  const boards = [{ board: "b1" }, { board: "b2" }];
  assert.equal(shownOf(boards, "b2"), boards[1]);
  assert.equal(shownOf(boards, ""), boards[0]);
  assert.equal(shownOf(boards, "b9"), boards[0]);
  assert.equal(shownOf(null, "b1"), null);
  assert.equal(shownOf(boards, ANOTHER).state, "disconnected");
});

test("news of a board replace what was known of it, or add it", () => {
  const [one, two] = [{ board: "b1", job: null }, { board: "b2", job: null }];
  const news = { board: "b1", job: "j" };
  assert.deepEqual(withNews([one, two], news), [news, two]);
  assert.deepEqual(withNews([one], two), [one, two]);
  assert.deepEqual(withNews(null, one), [one]);
});

test("a board is named with its port and what keeps it", () => {
  const board = { board: "b1", state: "connected", port: "emu://x", job: null };
  assert.equal(boardInWords(board), "b1 · emu://x");
  assert.equal(boardInWords({ ...board, job: "j" }), "b1 · emu://x · busy");
  assert.equal(boardInWords({ ...board, state: "lost" }), "b1 · emu://x · lost");
  assert.equal(boardInWords({ ...board, state: "disconnected", port: null }), "b1 · not connected");
});
