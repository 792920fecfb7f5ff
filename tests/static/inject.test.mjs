// One injection to its known end: only `end` means finished.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Problem } from "../../static/js/api.js";
import { inject } from "../../static/js/inject.js";

const HELLO = { type: "hello", job: "j1" };
const END = { type: "end", state: "succeeded", result: {} };
const UNREACHABLE = new Problem("unreachable", "no answer");

/** The server as a script: what the stream yields (an error: throws), what each status answers. */
function door(stream, statuses = []) {
  return {
    asked: 0,
    async *injectEvents() {
      for (const event of stream) {
        if (event instanceof Error) throw event;
        yield event;
      }
    },
    async getStatus() {
      this.asked += 1;
      const answer = statuses.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    pause: async () => {},
  };
}

async function reported(server) {
  const events = [];
  await inject({ source: "", slot: null }, (event) => events.push(event), server);
  return events.map(({ type }) => type);
}

test("a stream with its end is all there is", async () => {
  const server = door([HELLO, END]);
  assert.deepEqual(await reported(server), ["start", "hello", "end"]);
  assert.equal(server.asked, 0);
});

test("a stream that stops without end is lost until the job is gone", async () => {
  const server = door([HELLO], [{ job: "j1" }, { job: "j1" }, { job: null }]);
  assert.deepEqual(await reported(server), ["start", "hello", "lost", "over"]);
  assert.equal(server.asked, 3);
});

test("a server that does not answer is asked again", async () => {
  const server = door([HELLO], [UNREACHABLE, UNREACHABLE, { job: null }]);
  assert.deepEqual(await reported(server), ["start", "hello", "lost", "over"]);
});

test("another job than ours means that ours is over", async () => {
  const server = door([HELLO], [{ job: "j2" }]);
  assert.deepEqual(await reported(server), ["start", "hello", "lost", "over"]);
});

test("a job whose name never came may be any: it is waited for", async () => {
  const server = door([UNREACHABLE], [{ job: "j2" }, { job: null }]);
  assert.deepEqual(await reported(server), ["start", "lost", "over"]);
  assert.equal(server.asked, 2);
});

test("a refusal before the stream is told with its code", async () => {
  const server = door([new Problem("not-connected", "no board")]);
  const events = [];
  await inject({ source: "", slot: null }, (event) => events.push(event), server);
  assert.deepEqual(events[1], {
    type: "refused",
    failure: { code: "not-connected", message: "no board" },
  });
  assert.equal(server.asked, 0);
});
