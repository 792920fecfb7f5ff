// @ts-check
/** Numbers and states in words. */

/** @param {number} address */
export const hex = (address) => `0x${address.toString(16).toUpperCase().padStart(8, "0")}`;

/** @param {number} count */
export const bytes = (count) => (count === 1 ? "1 byte" : `${count} bytes`);

/** @param {number} count */
export const kib = (count) => (count < 1024 ? `${count} B` : `${(count / 1024).toFixed(1)} KiB`);

/** @param {number} count @param {number} most  in one answer @param {string} query */
export function countInWords(count, most, query) {
  if (count === 0) return `No symbol has “${query}” in it`;
  return count < most ? "" : `The first ${count}; search for others`;
}

/** @param {number} ms */
export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {string} iso  a time as the server writes it @returns {string} local time of day */
export function timeOfDay(iso) {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return "";
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const ms = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`;
}

// CSI … final byte; OSC … BEL or ST; other escapes of two bytes; lone control characters but TAB.
const ESCAPES =
  // eslint-disable-next-line no-control-regex
  /[\x1b]\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

/** @param {string} line @returns {string} the line without ANSI escapes and control characters */
export const stripAnsi = (line) => line.replace(ESCAPES, "");

/** @param {string | undefined} board  the board's state after a failed job */
export function boardAfter(board) {
  switch (board) {
    case "unchanged":
      return "The board is as it was.";
    case "staging":
      return "Memory on the board is taken, but nothing is redirected to it: it runs as before.";
    case "active":
      return "The patch is active on the board all the same.";
    case "unknown":
      return "What the board holds now is not known: see the slots, or reset it.";
    default:
      return "";
  }
}

/**
 * @param {import("./api.js").Status | null} status  null: the server does not tell
 * @param {string} [refusal]  why; "": it does not answer
 * @returns {{tone: "off" | "good" | "bad", text: string, detail: string}}
 */
export function connectionInWords(status, refusal = "") {
  if (!status) {
    const does = refusal ? "refuses this page" : "does not answer";
    return { tone: "bad", text: `The server ${does}; trying again`, detail: refusal };
  }
  if (status.state === "connected") {
    const elf = status.elf ? `ELF ${status.elf.replace(/^.*[/\\]/, "")}` : "no ELF";
    const detail = [status.firmware, elf].filter(Boolean).join(" · ");
    return { tone: "good", text: `Connected to ${status.port}`, detail };
  }
  if (status.state === "connecting") {
    return { tone: "off", text: `Connecting to ${status.port}`, detail: "" };
  }
  if (status.state === "lost") {
    return { tone: "bad", text: `The board at ${status.port} is lost`, detail: "" };
  }
  return { tone: status.error ? "bad" : "off", text: "Not connected", detail: "" };
}
