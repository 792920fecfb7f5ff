// @ts-check
/** The C editor: a textarea over its own text in colours, with line numbers and marked lines. */

import { byId, recall, remember } from "./dom.js";
import { moveMarks, newline, tab, untab } from "./indent.js";
import { paintView } from "./view-paint.js";

const KEPT = "fpbay.source";

/** @typedef {import("./job.js").Diagnostic} Diagnostic */

/**
 * @param {string} initial  the text where none was kept
 * @param {{inject: () => void}} actions
 */
export function editorView(initial, actions) {
  const area = byId("editor", HTMLTextAreaElement);
  const paint = paintView();
  const sheet = byId("paint", HTMLPreElement);
  const gutter = byId("gutter", HTMLDivElement);
  /** @type {Map<number, Diagnostic>} */
  let marks = new Map();
  let lineCount = 0;
  let leaving = false; // Escape was pressed: the next Tab moves the focus
  let isDue = false;

  function draw() {
    paint(area.value, marks);
    follow();
  }

  function follow() {
    sheet.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
    gutter.scrollTop = area.scrollTop;
  }

  /** @param {import("./indent.js").Edit} edit */
  function apply({ start, end, text, select }) {
    area.focus();
    area.setSelectionRange(start, end);
    if (start !== end || text) {
      // Deprecated, and the only way to change a textarea that keeps its undo history.
      const done = document.execCommand(text ? "insertText" : "delete", false, text);
      if (!done) area.setRangeText(text, start, end);
    }
    area.setSelectionRange(...select);
    changed();
  }

  /** Take up many changes at once: Chromium tells of a text of many lines line by line. */
  function changes() {
    if (!isDue) requestAnimationFrame(() => isDue && changed());
    isDue = true;
  }

  function changed() {
    isDue = false;
    const caretLine = area.value.slice(0, area.selectionStart).split("\n").length;
    const lines = area.value.split("\n").length;
    marks = moveMarks(marks, caretLine, lines - lineCount);
    lineCount = lines;
    remember(KEPT, area.value);
    remember(KEPT, area.value, "sessionStorage"); // the tab's own, over what other tabs write
    draw();
  }

  area.addEventListener("input", changes);
  addEventListener("pagehide", () => isDue && changed());
  area.addEventListener("scroll", follow);
  area.addEventListener("blur", () => (leaving = false));
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const { selectionStart: start, selectionEnd: end, value } = area;
    if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      apply((event.shiftKey ? untab : tab)(value, start, end));
    }
    if (event.key === "Enter") {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) actions.inject();
      else apply(newline(value, start, end));
    }
    leaving = event.key === "Escape" || (leaving && event.key === "Shift");
  });
  area.value = recall(KEPT, "sessionStorage") ?? recall(KEPT) ?? initial;
  changed();

  return {
    text: () => area.value,
    /** @param {string} text */
    replace(text) {
      marks = new Map();
      apply({ start: 0, end: area.value.length, text, select: [text.length, text.length] });
      area.setSelectionRange(0, 0);
      area.scrollTop = 0;
      follow();
    },
    /** Put a declaration before the marked function, or before everything. @param {string} text */
    declare(text) {
      const marker = /^.*FPB_INJECT/m.exec(area.value)?.index ?? 0;
      const { selectionStart: start, selectionEnd: end } = area;
      const moved = (/** @type {number} */ at) => (at < marker ? at : at + text.length);
      apply({ start: marker, end: marker, text, select: [moved(start), moved(end)] });
    },
    /** @param {Diagnostic[]} diagnostics  of this text; the first of a line is shown */
    mark(diagnostics) {
      marks = new Map([...diagnostics].reverse().map((entry) => [entry.line, entry]));
      draw();
    },
    /** @param {number} line @param {number} column  both from 1 */
    goTo(line, column) {
      const lines = area.value.split("\n");
      const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
      const at = before + Math.min(Math.max(column - 1, 0), (lines[line - 1] ?? "").length);
      area.focus();
      area.setSelectionRange(at, at);
      const height = area.scrollHeight / Math.max(lines.length, 1);
      area.scrollTop = (line - 1) * height - area.clientHeight / 2;
      follow();
    },
  };
}
