// @ts-check
/**
 * Parse a `text/event-stream` as it arrives, cut anywhere.
 * Source: WHATWG HTML, "Server-sent events", "Interpreting an event stream".
 */

/** @typedef {{event: string, data: string, id: string}} ServerEvent */

/**
 * Return a function that takes the next piece of decoded text and returns the events it completes.
 * An event whose blank line has not come is never returned: a cut stream loses it, as it should.
 * @returns {(text: string) => ServerEvent[]}
 */
export function createParser() {
  let rest = "";
  let first = true;
  let afterCr = false; // the last piece ended in CR: a LF that begins the next belongs to it
  let event = "";
  let id = "";
  /** @type {string[]} */
  let data = [];

  /** @param {string} line @returns {ServerEvent | null} */
  function take(line) {
    if (line === "") {
      const complete = data.length ? { event: event || "message", data: data.join("\n"), id } : null;
      event = "";
      data = [];
      return complete;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    if (field === "event") event = value;
    if (field === "id" && !value.includes("\0")) id = value;
    return null; // `retry` is the browser's business, a line with an empty name is a comment
  }

  return (text) => {
    if (text === "") return [];
    if (first) text = text.replace(/^\uFEFF/, "");
    if (afterCr) text = text.replace(/^\n/, "");
    first = false;
    afterCr = text.endsWith("\r");
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? "";
    return lines.map(take).filter((event) => event !== null);
  };
}
