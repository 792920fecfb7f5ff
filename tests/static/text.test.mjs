// Words and sources: the small pure modules.
import assert from "node:assert/strict";
import { test } from "node:test";

import { highlight } from "../../static/js/highlight.js";
import { moveMarks, newline, tab, untab } from "../../static/js/indent.js";
import { declaration, EXAMPLES, isUntouched, skeleton } from "../../static/js/sources.js";
import { errorsFirst } from "../../static/js/view-job.js";
import { common } from "../../static/js/view-paint.js";
import { connectionInWords, duration, hex, stripAnsi } from "../../static/js/text.js";

const applied = (text, { start, end, text: by }) => text.slice(0, start) + by + text.slice(end);

test("ANSI escapes and control characters go, text stays", () => {
  assert.equal(stripAnsi("\x1b[1;32mok\x1b[0m\ttab \x1b]0;title\x07é\x00\x1b(B"), "ok\ttab é");
  assert.equal(stripAnsi("\x9b31mred\x1b[K a[0m"), "red a[0m");
});

test("numbers are spelled as engineers write them", () => {
  assert.equal(hex(0x08000d34), "0x08000D34");
  assert.deepEqual([1.93, 84.2, 12345].map(duration), ["1.9 ms", "84 ms", "12.3 s"]);
});

test("each state of the connection has its words", () => {
  const status = { state: "disconnected", port: "/dev/x", elf: "/a/b/fw.elf", firmware: "v1" };
  const words = (state) => connectionInWords({ ...status, state });
  assert.deepEqual(words("connected"), {
    tone: "good",
    text: "Connected to /dev/x",
    detail: "v1 · ELF fw.elf",
  });
  assert.equal(words("lost").text, "The board at /dev/x is lost");
  assert.equal(words("connecting").text, "Connecting to /dev/x");
  assert.equal(words("disconnected").tone, "off");
  assert.equal(connectionInWords(null).tone, "bad");
});

test("skeletons and declarations name the symbol and where it is", () => {
  const symbol = { name: "foo", address: 0x08000100, size: 24, kind: "function" };
  assert.match(skeleton(symbol), /0x08000100[^]*\/\* FPB_INJECT \*\/\nvoid foo\(void\)/);
  const variable = { ...symbol, kind: "variable" };
  assert.match(declaration({ ...variable, size: 4 }), /^extern uint32_t foo;/);
  assert.match(declaration({ ...variable, size: 24 }), /^extern uint8_t foo\[24\];/);
});

test("only text of the page's own is replaced without asking", () => {
  const placed = "void foo(void)\n{\n}\n";
  assert.ok(isUntouched("  \n", placed));
  assert.ok(isUntouched(placed, placed));
  assert.ok(isUntouched(EXAMPLES[0].source, placed));
  assert.ok(!isUntouched(`${placed}int mine;`, placed));
});

test("every example marks its function", () => {
  for (const { source } of EXAMPLES) assert.match(source, /FPB_INJECT \*\/\n.*\w+\(.*\)\n\{/);
});

test("Tab goes to the next stop, or moves the selected lines", () => {
  assert.equal(applied("ab", tab("ab", 2, 2)), "ab  ");
  assert.equal(applied("a\n\nb\n", tab("a\n\nb\n", 0, 4)), "    a\n\n    b\n");
  assert.deepEqual(tab("a\nb", 0, 3).select, [4, 11]);
});

test("Shift+Tab takes up to four blanks from each line it touches", () => {
  assert.equal(applied("      a\n  b", untab("      a\n  b", 3, 11)), "  a\nb");
  assert.deepEqual(untab("  a", 3, 3).select, [1, 1]);
  assert.deepEqual(untab("  a", 1, 1).select, [0, 0]);
});

test("Enter keeps the indentation, and deepens it after a brace", () => {
  assert.equal(applied("    a", newline("    a", 5, 5)), "    a\n    ");
  const edit = newline("{}", 1, 1);
  assert.equal(applied("{}", edit), "{\n    \n}");
  assert.deepEqual(edit.select, [6, 6]);
});

test("marks move with their lines", () => {
  const marks = new Map([[2, "a"], [5, "b"]]);
  assert.deepEqual([...moveMarks(marks, 4, 1)], [[2, "a"], [6, "b"]]); // Enter on line 3
  assert.deepEqual([...moveMarks(marks, 3, -1)], [[2, "a"], [4, "b"]]); // line 4 joined to 3
  assert.deepEqual([...moveMarks(marks, 2, 0)], [...marks]);
});

test("highlighting loses nothing and knows comments over lines", () => {
  const source = '#include <a.h>\n/* one\ntwo */ int x = 0x1F; // "no"\nchar *s = "/* no */\\"";\n/* open';
  const lines = highlight(source);
  assert.equal(lines.map((line) => line.map(({ text }) => text).join("")).join("\n"), source);
  const kinds = lines.map((line) => line.map(({ kind }) => kind).filter(Boolean));
  assert.deepEqual(kinds, [
    ["directive"],
    ["comment"],
    ["comment", "type", "number", "comment"],
    ["type", "string"],
    ["comment"],
  ]);
});

test("the compiler's errors come first, each with its notes", () => {
  const of = (severity, line) => ({ file: "patch.c", line, column: 1, severity, text: "" });
  const said = ["warning", "note", "error", "note", "note", "warning", "error"].map(of);
  const order = errorsFirst(said).map(({ line }) => line);
  assert.deepEqual(order, [2, 3, 4, 6, 0, 1, 5]);
  assert.deepEqual(errorsFirst([of("note", 1), of("error", 2)]).map(({ line }) => line), [2, 1]);
});

test("what two lists have in common is counted once", () => {
  const cases = [
    ["abc", "abc", 3, 0],
    ["abc", "aXc", 1, 1],
    ["aa", "aaa", 2, 0],
    ["abab", "ab", 2, 0],
    ["", "ab", 0, 0],
    ["ab", "cb", 0, 1],
  ];
  for (const [before, after, head, tail] of cases) {
    assert.deepEqual(common([...before], [...after]), { head, tail }, `${before} ${after}`);
  }
});
