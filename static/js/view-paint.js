// @ts-check
/** What is seen of the editor's text: its lines in colours, their numbers, the marked ones. */

import { byId, make } from "./dom.js";
import { highlight } from "./highlight.js";

/** @typedef {import("./highlight.js").Piece} Piece */
/** @typedef {import("./job.js").Diagnostic} Diagnostic */

/**
 * How many elements two lists have in common, at the start and then at the end.
 * @param {string[]} before @param {string[]} after
 * @returns {{head: number, tail: number}}
 */
export function common(before, after) {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return { head, tail };
}

/**
 * Make a function that shows lines in an element, and touches only those that changed.
 * @template T
 * @param {HTMLElement} element @param {(line: T) => HTMLElement} row
 * @returns {(lines: T[]) => void}
 */
function listOf(element, row) {
  /** @type {string[]} */
  let shown = [];
  return (lines) => {
    const keys = lines.map((line) => JSON.stringify(line));
    const { head, tail } = common(shown, keys);
    const old = [...element.children].slice(head, shown.length - tail);
    const behind = element.children[shown.length - tail] ?? null;
    for (const stale of old) stale.remove();
    for (const line of lines.slice(head, lines.length - tail)) {
      element.insertBefore(row(line), behind);
    }
    shown = keys;
  };
}

/** @param {{pieces: Piece[], mark: string}} line */
function codeRow({ pieces, mark }) {
  const spans = pieces.map(({ kind, text }) => (kind ? make("span", kind, text) : text));
  const row = make("span", "row", ...spans, "\n");
  row.dataset.mark = mark;
  return row;
}

/** @param {{number: number, mark: string, text: string}} line */
function numberRow({ number, mark, text }) {
  const row = make("span", "row", String(number));
  row.dataset.mark = mark;
  row.title = text;
  return row;
}

/** @returns {(source: string, marks: Map<number, Diagnostic>) => void} */
export function paintView() {
  const code = listOf(byId("paint", HTMLPreElement), codeRow);
  const numbers = listOf(byId("gutter", HTMLDivElement), numberRow);
  return (source, marks) => {
    const severity = (/** @type {number} */ index) => marks.get(index + 1)?.severity ?? "";
    const lines = highlight(source);
    code(lines.map((pieces, index) => ({ pieces, mark: severity(index) })));
    numbers(
      lines.map((_, index) => {
        const text = marks.get(index + 1)?.text ?? "";
        return { number: index + 1, mark: severity(index), text };
      }),
    );
  };
}
