// @ts-check
/** The injection as it goes, and what came of it, in words. */

import { button, byId, make, say } from "./dom.js";
import { STAGES } from "./job.js";
import { boardAfter, bytes, duration, hex } from "./text.js";

/** @typedef {import("./job.js").Job} Job */
/** @typedef {import("./job.js").Diagnostic} Diagnostic */

const WHAT_IT_DOES =
  "Inject compiles the source, loads it into the board's RAM and lets the FPB redirect the marked " +
  "function to it. Flash stays as it is.";
const STATE_WORDS = { waiting: "", running: "runs", done: "done", failed: "failed" };

/** @param {Diagnostic} diagnostic  tells whether it speaks of the editor's text, not of a header */
export const isOurs = ({ file }) => !/[/\\]|\.h$/.test(file);

/** @param {string} title @param {string} text @param {boolean} [open] */
function foldable(title, text, open = false) {
  const details = make("details", "", make("summary", "", title));
  details.append(make("pre", "", text.trim()));
  details.open = open;
  return details;
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

/** @param {Job} job @returns {HTMLElement[]} */
function success({ result, warnings }) {
  if (!result) return [];
  const slots = result.slots.length > 1 ? `slots ${result.slots.join(" and ")}` : `slot ${result.slot}`;
  const first = make("p", "verdict", make("strong", "", result.function), " now runs your patch.");
  const facts =
    `${slots}, ${hex(result.original)} → ${hex(result.address)}, ${bytes(result.size)}, ` +
    `${duration(result.elapsed_ms)}. Read back and compared.` +
    (result.replaced ? " It replaced the patch that was there." : "");
  /** @type {HTMLElement[]} */
  const parts = [first, make("p", "", facts[0]?.toUpperCase() + facts.slice(1))];
  if (warnings.length) parts.push(foldable("Warnings", warnings.join("\n"), true));
  return parts;
}

/** @param {Diagnostic} entry @param {(line: number, column: number) => void} goTo */
function diagnosticRow(entry, goTo) {
  const place = isOurs(entry)
    ? button(entry.column ? `${entry.line}:${entry.column}` : `${entry.line}`, () => goTo(entry.line, entry.column), "place")
    : make("span", "place", `${entry.file}:${entry.line}`);
  if (isOurs(entry)) place.setAttribute("aria-label", `Go to line ${entry.line}`);
  const severity = make("span", "severity", entry.severity);
  const row = make("li", "", place, " ", severity, " ", entry.text);
  row.dataset.severity = entry.severity;
  return row;
}

/** @param {Job} job @param {(line: number, column: number) => void} goTo @returns {HTMLElement[]} */
function failureOf({ failure, stages, warnings }, goTo) {
  if (!failure) return [];
  const stage = stages.find(({ state }) => state === "failed")?.name;
  const where = stage ? `Failed at ${stage}. ` : "Not injected. ";
  const diagnostics = failure.diagnostics ?? [];
  const listed = diagnostics.some(({ text }) => failure.message.includes(text));
  const verdict = make("p", "verdict", make("strong", "", where), listed ? "" : failure.message, " ");
  if (failure.code !== stage) verdict.append(make("code", "", failure.code));
  /** @type {HTMLElement[]} */
  const parts = [verdict];
  if (diagnostics.length) {
    parts.push(make("ul", "", ...diagnostics.map((entry) => diagnosticRow(entry, goTo))));
  }
  const board = [boardAfter(failure.board), failure.retryable ? "It may work if tried again." : ""];
  if (board.some(Boolean)) parts.push(make("p", "", board.filter(Boolean).join(" ")));
  if (failure.stderr?.trim()) parts.push(foldable("Compiler output", failure.stderr, !diagnostics.length));
  if (warnings.length) parts.push(foldable("Warnings", warnings.join("\n")));
  return parts;
}

/**
 * @param {{goTo: (line: number, column: number) => void}} actions
 * @returns {(state: {job: Job, otherJob: boolean, now: number}) => void}
 */
export function jobView({ goTo }) {
  const stages = byId("stages", HTMLOListElement);
  const rows = new Map(STAGES.map((name) => [name, stageRow(name)]));
  stages.replaceChildren(...[...rows.values()].map(({ row }) => row));
  const result = byId("result", HTMLDivElement);
  /** @type {Job | null} */
  let shown = null;

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

  /** @param {Job} job @returns {HTMLElement[]} */
  function words(job) {
    switch (job.phase) {
      case "succeeded":
        return success(job);
      case "failed":
        return failureOf(job, goTo);
      case "running":
        return [make("p", "", job.message)];
      case "lost":
        return [make("p", "verdict", "Stream lost; the job may still be running. Asking the server.")];
      case "over":
        return [
          make("p", "verdict", "The job is over, but its end was not seen here."),
          make("p", "", "What the board holds now is in the slots table."),
        ];
      default:
        return [make("p", "note", WHAT_IT_DOES)];
    }
  }

  return ({ job, otherJob, now }) => {
    for (const stage of job.stages) drawStage(stage, job, now);
    stages.dataset.phase = job.phase;
    const button = byId("inject", HTMLButtonElement);
    button.disabled = otherJob || job.phase === "running" || job.phase === "lost";
    say(button, job.phase === "running" ? "Injecting" : otherJob ? "Another job runs" : "Inject");
    if (job === shown) return;
    shown = job;
    result.dataset.phase = job.phase;
    result.replaceChildren(...words(job));
  };
}

