// @ts-check
/** The injection as it goes, and what came of it, in words. */

import { isBoard } from "./boards.js";
import { button, byId, make, say } from "./dom.js";
import { canCancel, isOpen, STAGES } from "./job.js";
import { boardAfter, bytes, duration, hex } from "./text.js";

/** @typedef {import("./job.js").Job} Job */
/** @typedef {import("./job.js").Diagnostic} Diagnostic */

const WHAT_IT_DOES =
  "Inject compiles the source, loads it into the board's RAM and lets the FPB redirect the marked " +
  "function to it. Flash stays as it is.";
/** @type {Record<string, string>} */
const KIND_WORDS = {
  inject: "Injecting",
  "inject-multi": "Injecting several functions",
  reapply: "Applying again",
  unpatch: "Removing",
  enable: "Switching",
  verify: "Verifying",
};
const MAX_ROWS = 50; // of the compiler's messages; all of them are in its output
const STATE_WORDS = { waiting: "", running: "runs", done: "done", failed: "failed" };

/** @param {Diagnostic} diagnostic  tells whether it speaks of the editor's text, not of a header */
export const isOurs = ({ file }) => !/[/\\]|\.h$/.test(file);

/** Have a part of a live region read by whoever goes there, and not by itself. @param {HTMLElement} part */
function unannounced(part) {
  part.setAttribute("aria-live", "off");
  return part;
}

/** @param {string} title @param {string} text @param {boolean} [open] */
function foldable(title, text, open = false) {
  const details = make("details", "", make("summary", "", title));
  details.append(make("pre", "", text.trim()));
  details.open = open;
  return unannounced(details);
}

/** @param {Job} job @returns {number} how much of the upload is done, 0 to 1 */
const share = ({ progress }) => (progress ? progress.done / Math.max(progress.total, 1) : 0);

/** @param {Job} job */
const percent = (job) => `${Math.floor(share(job) * 100)} %`;

/** @param {string} name */
function stageRow(name) {
  const [fill, words, time] = [make("span", "fill"), make("span", "hidden"), make("span", "ms")];
  const row = make("li", "", make("span", "bar", fill), make("span", "name", name), " ", words, " ", time);
  row.dataset.stage = name;
  return { row, fill, words, time };
}

/** @param {import("./job.js").Injected} result @param {boolean} isForeign @returns {HTMLElement[]} */
function injected(result, isForeign) {
  const slots = result.slots.length > 1 ? `slots ${result.slots.join(" and ")}` : `slot ${result.slot}`;
  const first = make("p", "verdict", make("strong", "", result.function), ` now runs ${isForeign ? "a" : "your"} patch.`);
  const facts =
    `${slots}, ${hex(result.original)} → ${hex(result.address)}, ${bytes(result.size)}, ` +
    `${duration(result.elapsed_ms)}. Read back and compared.` +
    (result.replaced ? " It replaced the patch that was there." : "");
  return [first, make("p", "", facts[0]?.toUpperCase() + facts.slice(1))];
}

/** @param {Job} job */
function doneInWords({ kind, result }) {
  const functions = (result?.patches ?? []).map((/** @type {any} */ patch) => patch.function);
  if (kind === "inject-multi") return ` ${functions.join(", ")} now run their patches.`;
  if (kind === "reapply") return ` In place again: ${functions.join(", ")}.`;
  if (kind !== "verify") return "";
  return ` What the board holds is known again; patches followed: ${result?.followed}.`;
}

/** @param {Job} job @param {boolean} isForeign @returns {HTMLElement[]} */
function success(job, isForeign) {
  const verdict = make("strong", "", `${KIND_WORDS[job.kind] ?? job.kind} succeeded.`);
  const parts =
    job.kind === "inject" ? injected(job.result, isForeign) : [make("p", "verdict", verdict, doneInWords(job))];
  if (job.warnings.length) parts.push(foldable("Warnings", job.warnings.join("\n"), true));
  return parts;
}

/** @param {Diagnostic[]} diagnostics @returns {Diagnostic[]} the errors first; notes stay where they belong */
export function errorsFirst(diagnostics) {
  /** @type {{isError: boolean, entries: Diagnostic[]}[]} */
  const groups = [];
  for (const entry of diagnostics) {
    const group = groups.at(-1);
    if (entry.severity === "note" && group) group.entries.push(entry);
    else groups.push({ isError: entry.severity === "error", entries: [entry] });
  }
  const sorted = groups.sort((one, other) => Number(other.isError) - Number(one.isError));
  return sorted.flatMap(({ entries }) => entries);
}

/** @typedef {((line: number, column: number) => void) | null} GoTo  null: not in the editor's text */

/** @param {Diagnostic[]} diagnostics @param {GoTo} goTo */
function diagnosticList(diagnostics, goTo) {
  const rows = errorsFirst(diagnostics).slice(0, MAX_ROWS).map((entry) => diagnosticRow(entry, goTo));
  const more = diagnostics.length - rows.length;
  if (more > 0) rows.push(make("li", "faint", `and ${more} more`));
  return unannounced(make("ul", "", ...rows));
}

/** @param {Diagnostic} entry @param {GoTo} goTo */
function diagnosticRow(entry, goTo) {
  const place = goTo && isOurs(entry)
    ? button(entry.column ? `${entry.line}:${entry.column}` : `${entry.line}`, () => goTo(entry.line, entry.column), "place")
    : make("span", "place", `${entry.file}:${entry.line}`);
  if (goTo && isOurs(entry)) place.setAttribute("aria-label", `Go to line ${entry.line}`);
  const severity = make("span", "severity", entry.severity);
  const row = make("li", "", place, " ", severity, " ", entry.text);
  row.dataset.severity = entry.severity;
  return row;
}

/** @param {Job} job @param {GoTo} goTo @returns {HTMLElement[]} */
function failureOf({ phase, kind, failure, stages, warnings }, goTo) {
  if (!failure) return [];
  const stage = stages.find(({ state }) => state === "failed")?.name;
  const failed = stage ? "Failed" : kind === "inject" || kind === "" ? "Not injected" : "Not done";
  const stopped = phase === "cancelled" ? "Cancelled" : "Interrupted";
  const what = phase === "failed" ? failed : stopped;
  const where = `${what}${stage ? ` at ${stage}` : ""}. `;
  const diagnostics = failure.diagnostics ?? [];
  const listed = diagnostics.some(({ text }) => failure.message.includes(text));
  const isSaid = listed || phase === "cancelled" || failure.message === failure.stderr?.trim();
  const verdict = make("p", "verdict", make("strong", "", where), isSaid ? "" : failure.message, " ");
  if (![stage, phase].includes(failure.code)) verdict.append(make("code", "", failure.code));
  /** @type {HTMLElement[]} */
  const parts = [verdict];
  if (diagnostics.length) {
    parts.push(diagnosticList(diagnostics, goTo));
  }
  const again = failure.retryable && phase === "failed" ? "It may work if tried again." : "";
  const board = [boardAfter(failure.board), again];
  if (board.some(Boolean)) parts.push(make("p", "", board.filter(Boolean).join(" ")));
  if (failure.stderr?.trim()) parts.push(foldable("Compiler output", failure.stderr, !diagnostics.length));
  if (warnings.length) parts.push(foldable("Warnings", warnings.join("\n")));
  return parts;
}

/**
 * Say what is known of a job that goes on: a stream that breaks says nothing of the job.
 * @param {Job} job @param {View} view
 */
function goesOn(job, { stream, status }) {
  const message = job.cancelling ? "Stopping" : job.message;
  if (stream !== "lost") return [make("p", "", message)];
  const isKnown = job.id !== null && status !== null;
  const verdict = isKnown ? "Stream lost; the job is still running." : "Stream lost; no answer from the server.";
  const facts = isKnown
    ? `Asked by itself, the server says: ${message}.`
    : "The job does not depend on this page. What became of it is shown as soon as the server answers.";
  return [make("p", "verdict", verdict), make("p", "", facts)];
}

/** @typedef {{job: Job, isForeign: boolean, board: string, stream: import("./events.js").StreamState,
 *   status: import("./api.js").Status | null, now: number}} View
 * `isForeign`: another tab, or another client, asked for the job. */

/**
 * @param {{goTo: (line: number, column: number) => void, inject: () => void, cancel: () => void}}
 *   actions
 * @returns {(state: View) => void}
 */
export function jobView({ goTo, inject, cancel }) {
  const stages = byId("stages", HTMLOListElement);
  const rows = new Map(STAGES.map((name) => [name, stageRow(name)]));
  stages.replaceChildren(...[...rows.values()].map(({ row }) => row));
  const result = byId("result", HTMLDivElement);
  const start = byId("inject", HTMLButtonElement);
  const stop = byId("cancel", HTMLButtonElement);
  start.addEventListener("click", inject);
  stop.addEventListener("click", cancel);
  let shown = { job: /** @type {Job | null} */ (null), way: "" };

  /** @param {import("./job.js").Stage} stage @param {Job} job @param {number} now */
  function drawStage(stage, job, now) {
    const parts = rows.get(stage.name);
    if (!parts) return;
    const running = stage.state === "running" && job.phase === "running";
    const measured = running && stage.name === "upload" && job.progress !== null;
    parts.row.dataset.state = stage.state;
    parts.row.toggleAttribute("data-measured", measured);
    parts.fill.style.transform = measured ? `scaleX(${share(job)})` : "";
    say(parts.words, STATE_WORDS[stage.state]);
    const ms = stage.ms + (running ? now - stage.since : 0);
    const timed = running || ["done", "failed"].includes(stage.state);
    say(parts.time, measured ? percent(job) : timed ? duration(ms) : "");
  }

  /** @param {View} view @returns {HTMLElement[]} */
  function words(view) {
    const { job, isForeign } = view;
    switch (job.phase) {
      case "succeeded":
        return success(job, isForeign);
      case "failed":
      case "cancelled":
      case "interrupted":
        return failureOf(job, isForeign ? null : goTo);
      case "asking":
      case "running":
        return goesOn(job, view);
      case "unanswered":
        return [
          make("p", "verdict", "The server's answer was lost: the job may have begun."),
          make("p", "", "Asked for again, the same job is meant: nothing is injected twice."),
        ];
      case "forgotten":
        return [
          make("p", "verdict", "The server was started anew and does not know the job any more."),
          make("p", "", "What the board holds now is in the slots table."),
        ];
      default:
        return [make("p", "note", WHAT_IT_DOES)];
    }
  }

  return (view) => {
    const { job, isForeign, board, stream, status, now } = view;
    for (const stage of job.stages) drawStage(stage, job, now);
    stages.dataset.phase = job.phase;
    start.disabled = isOpen(job) || !isBoard(board) || (status !== null && status.job !== null);
    const idle = job.phase === "unanswered" ? "Inject again" : "Inject";
    say(start, isOpen(job) && ["", "inject"].includes(job.kind) ? "Injecting" : idle);
    const held = document.activeElement === stop;
    stop.hidden = !isOpen(job);
    stop.disabled = !canCancel(job);
    if (held && stop.hidden) start.focus();
    const way = `${isForeign} ${isOpen(job) && stream === "lost"} ${isOpen(job) && status === null}`;
    if (job === shown.job && way === shown.way) return; // a live region speaks only of news
    shown = { job, way };
    result.dataset.phase = isOpen(job) && stream === "lost" ? "lost" : job.phase;
    const whose = isForeign ? ". Asked for in another tab, or by another client" : "";
    const place = job.place ? [make("p", "note", `Board ${job.place}${whose}`)] : [];
    result.replaceChildren(...words(view), ...place);
  };
}
