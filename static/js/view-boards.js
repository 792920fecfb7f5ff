// @ts-check
/** Which of the server's boards the tab shows. */

import { ANOTHER, boardInWords } from "./boards.js";
import { byId, make, put, say } from "./dom.js";

/**
 * @param {{choose: (board: string) => void}} actions
 * @returns {(state: {boards: import("./api.js").Status[] | null, board: string}) => void}
 */
export function boardsView({ choose }) {
  const select = byId("boards", HTMLSelectElement);
  select.addEventListener("change", () => choose(select.value));

  /** @param {string} value @param {string} text */
  function option(value, text) {
    const made = make("option", "", text);
    made.value = value;
    return made;
  }

  return ({ boards, board }) => {
    select.disabled = !boards;
    if (!boards) return; // what is there stays to be read
    const texts = new Map(boards.map((each) => [each.board, boardInWords(each)]));
    texts.set(ANOTHER, "Another board");
    const listed = [...select.options].map(({ value }) => value);
    if (listed.join() !== [...texts.keys()].join()) {
      select.replaceChildren(...[...texts].map(([value, text]) => option(value, text)));
    }
    for (const each of select.options) say(each, texts.get(each.value) ?? "");
    put(select, board);
  };
}
