// @ts-check
/** Cut C source into coloured pieces, line by line. */

/** @typedef {{kind: "" | "comment" | "marker" | "string" | "directive" | "number" | "keyword" |
 *   "type", text: string}} Piece */

const KEYWORDS = new Set(
  ("auto break case const continue default do else enum extern for goto if inline register " +
    "restrict return sizeof static struct switch typedef union volatile while _Alignas " +
    "_Static_assert __asm__ asm __attribute__").split(" "),
);
const TYPES = /^(?:void|char|short|int|long|float|double|signed|unsigned|bool|_Bool|\w+_t)$/;

const PIECE = new RegExp(
  [
    String.raw`(?<comment>\/\/[^\n]*|\/\*[^]*?(?:\*\/|(?![^])))`,
    String.raw`(?<string>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)`,
    String.raw`(?<directive>^[ \t]*#[ \t]*\w*)`,
    String.raw`(?<number>\b\d[\w.]*)`,
    String.raw`(?<word>[A-Za-z_]\w*)`,
  ].join("|"),
  "gm",
);

/** @param {RegExpMatchArray} match @returns {Piece["kind"]} */
function kindOf({ 0: text, groups = {} }) {
  if (groups.comment) return text.includes("FPB_INJECT") ? "marker" : "comment";
  if (groups.string) return "string";
  if (groups.directive) return "directive";
  if (groups.number) return "number";
  if (KEYWORDS.has(text)) return "keyword";
  return TYPES.test(text) ? "type" : "";
}

/** @param {string} source @returns {Piece[][]} one list per line; joined, they are the source */
export function highlight(source) {
  /** @type {Piece[]} */
  let line = [];
  const lines = [line];

  /** @param {Piece["kind"]} kind @param {string} text */
  function add(kind, text) {
    const [first, ...rest] = text.split("\n");
    if (first) line.push({ kind, text: first });
    for (const part of rest) {
      line = part ? [{ kind, text: part }] : [];
      lines.push(line);
    }
  }

  let done = 0;
  for (const match of source.matchAll(PIECE)) {
    add("", source.slice(done, match.index));
    add(kindOf(match), match[0]);
    done = match.index + match[0].length;
  }
  add("", source.slice(done));
  return lines;
}
