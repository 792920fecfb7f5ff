// The event-stream parser: the same bytes, however they are cut, give the same events.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createParser } from "../../static/js/sse.js";

const STREAM =
  "retry: 1000\n\n" +
  ": a comment\n" +
  "id: b00t:7\nevent: stage\ndata: {\"a\": 1}\n\n" +
  "event: hb\ndata:{}\n\n" +
  "data: two\ndata: lines\ndata\n\n" +
  "event: named-without-data\n\n" +
  "event: end\ndata: Grüße, 5 °C 🙂\n\n";

const EXPECTED = [
  { event: "stage", data: '{"a": 1}', id: "b00t:7" },
  { event: "hb", data: "{}", id: "b00t:7" },
  { event: "message", data: "two\nlines\n", id: "b00t:7" },
  { event: "end", data: "Grüße, 5 °C 🙂", id: "b00t:7" },
];

function parsed(...pieces) {
  const parse = createParser();
  return pieces.flatMap((piece) => parse(piece));
}

for (const [name, end] of [["LF", "\n"], ["CRLF", "\r\n"], ["CR", "\r"]]) {
  const stream = STREAM.replaceAll("\n", end);

  test(`${name}: whole`, () => assert.deepEqual(parsed(stream), EXPECTED));

  test(`${name}: one character at a time`, () => assert.deepEqual(parsed(...stream), EXPECTED));

  test(`${name}: cut in two at every place`, () => {
    for (let at = 0; at <= stream.length; at++) {
      assert.deepEqual(parsed(stream.slice(0, at), stream.slice(at)), EXPECTED, `cut at ${at}`);
    }
  });

  test(`${name}: an event is there as soon as its blank line is`, () => {
    const parse = createParser();
    assert.deepEqual(parse(`data: 1${end}`), []);
    assert.equal(parse(end).length, 1);
  });
}

test("bytes cut inside a character, through a TextDecoder", () => {
  const bytes = new TextEncoder().encode(STREAM);
  const decoder = new TextDecoder();
  const parse = createParser();
  const events = [...bytes].flatMap((byte) =>
    parse(decoder.decode(Uint8Array.of(byte), { stream: true })),
  );
  assert.deepEqual(events, EXPECTED);
});

test("an event whose blank line never came is no event", () => {
  assert.deepEqual(parsed("event: end\ndata: {}\n"), []);
});

test("a byte order mark at the start is skipped, and only there", () => {
  assert.deepEqual(parsed("\uFEFFdata: 1\n\n"), [{ event: "message", data: "1", id: "" }]);
  assert.deepEqual(parsed("\n", "\uFEFFdata: 1\n\n"), []);
});

test("only the first blank after the colon goes, and more colons are data", () => {
  assert.equal(parsed("data:  a: b\n\n")[0].data, " a: b");
});

test("an event name does not stick to the next event", () => {
  assert.equal(parsed("event: hb\n\ndata: 1\n\n")[0].event, "message");
});

test("an id with NUL is ignored", () => {
  assert.equal(parsed("id: 1\nid: 2\0\ndata: x\n\n")[0].id, "1");
});
