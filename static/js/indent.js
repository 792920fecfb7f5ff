// @ts-check
/** What the keys Tab, Shift+Tab and Enter do to a text, as edits. */

const WIDTH = 4;

/** @typedef {{start: number, end: number, text: string, select: [number, number]}} Edit
 * replace start..end by text, then select */

/** @param {string} text @param {number} at */
const lineStart = (text, at) => text.lastIndexOf("\n", at - 1) + 1;

/** @param {string} text @param {number} start @param {number} end @returns {Edit} */
export function tab(text, start, end) {
  if (text.slice(start, end).includes("\n")) {
    return shiftLines(text, start, end, (line) => (line ? " ".repeat(WIDTH) + line : line));
  }
  const column = start - lineStart(text, start);
  const blanks = " ".repeat(WIDTH - (column % WIDTH));
  const after = start + blanks.length;
  return { start, end, text: blanks, select: [after, after] };
}

/** @param {string} text @param {number} start @param {number} end @returns {Edit} */
export function untab(text, start, end) {
  return shiftLines(text, start, end, (line) => line.replace(/^(\t| {1,4})/, ""));
}

/** @param {string} text @param {number} start @param {number} end @returns {Edit} */
export function newline(text, start, end) {
  const before = text.slice(lineStart(text, start), start);
  const indent = /^[ \t]*/.exec(before)?.[0] ?? "";
  const deeper = /\{\s*$/.test(before) ? " ".repeat(WIDTH) : "";
  const after = start + 1 + indent.length + deeper.length;
  const closing = deeper && text[end] === "}" ? `\n${indent}` : "";
  return { start, end, text: `\n${indent}${deeper}${closing}`, select: [after, after] };
}

/**
 * @param {string} text @param {number} start @param {number} end
 * @param {(line: string) => string} change
 * @returns {Edit}
 */
function shiftLines(text, start, end, change) {
  const first = lineStart(text, start);
  const last = end > start && text[end - 1] === "\n" ? end - 1 : end; // a line only touched stays
  const stop = text.indexOf("\n", last) < 0 ? text.length : text.indexOf("\n", last);
  const lines = text.slice(first, stop).split("\n");
  const changed = lines.map(change);
  const shifted = changed.join("\n");
  const grown = shifted.length - (stop - first);
  const head = (changed[0] ?? "").length - (lines[0] ?? "").length;
  const from = Math.max(first, start + head);
  return { start: first, end: stop, text: shifted, select: [from, Math.max(from, end + grown)] };
}

/**
 * Keep marks at their lines when lines come or go above them.
 * @template T
 * @param {Map<number, T>} marks  by line, from 1
 * @param {number} caretLine  where the caret is after the edit
 * @param {number} grown  how many lines the text has more
 * @returns {Map<number, T>}
 */
export function moveMarks(marks, caretLine, grown) {
  const lastBefore = grown > 0 ? caretLine - grown : caretLine; // the edited line, before the edit
  const moved = [...marks].map(
    ([line, mark]) => /** @type {const} */ ([line > lastBefore ? line + grown : line, mark]),
  );
  return new Map(moved);
}
