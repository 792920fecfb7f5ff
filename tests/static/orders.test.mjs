// Orders: each is begun once, however often it is asked for.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Problem } from "../../static/js/api.js";
import { createOrders } from "../../static/js/orders.js";

const ORDER = { kind: "inject", source: "int f(void);", slot: null };
const UNREACHABLE = new Problem("unreachable", "no answer");
const BUSY = new Problem("board-busy", "a job has the board");

let stored, keys, answers;

beforeEach(() => {
  [stored, keys, answers] = [new Map(), [], []];
});

/** A page; another one after it is its reload. */
function page() {
  const storage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
  };
  return createOrders(storage, async (_board, _what, key) => {
    keys.push(key);
    const answer = answers.shift() ?? { id: "j1" };
    if (answer instanceof Error) throw answer;
    return answer;
  });
}

test("after a lost answer and a reload the same order has the same key", async () => {
  answers = [UNREACHABLE, UNREACHABLE];
  const first = page();
  await assert.rejects(first.send("b1", ORDER), UNREACHABLE);
  await assert.rejects(first.send("b1", ORDER), UNREACHABLE);
  assert.deepEqual(page().last(), { board: "b1", job: null, isAnswered: false });
  assert.equal((await page().send("b1", ORDER)).id, "j1");
  assert.equal(new Set(keys).size, 1);
  assert.deepEqual(page().last(), { board: "b1", job: "j1", isAnswered: true });
});

for (const [name, answer] of [["an answer", { id: "j1" }], ["a refusal", BUSY]]) {
  test(`after ${name} the same order is meant anew`, async () => {
    answers = [answer];
    await page().send("b1", ORDER).catch(() => {});
    await page().send("b1", ORDER);
    assert.equal(new Set(keys).size, 2);
  });
}

test("another order never has the key of the one before", async () => {
  answers = [UNREACHABLE];
  await assert.rejects(page().send("b1", ORDER));
  await page().send("b1", { ...ORDER, slot: 1 });
  assert.equal(new Set(keys).size, 2);
});

test("the same order for another board has a key of its own", async () => {
  answers = [UNREACHABLE];
  await assert.rejects(page().send("b1", ORDER));
  await page().send("b2", ORDER);
  assert.equal(new Set(keys).size, 2);
});

test("keys are long, and storage that fails is done without", async () => {
  const fail = () => {
    throw new Error("no storage");
  };
  const orders = createOrders({ getItem: fail, setItem: fail }, async (_board, _what, key) => {
    keys.push(key);
    throw UNREACHABLE;
  });
  await assert.rejects(orders.send("b1", ORDER));
  await assert.rejects(orders.send("b1", ORDER));
  assert.match(keys[0], /^[0-9a-f]{32}$/);
  assert.equal(keys[0], keys[1]);
});
