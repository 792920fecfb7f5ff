// @ts-check
/** Search the firmware's symbols, choose one. */

import { byId, make, say } from "./dom.js";
import { hex } from "./text.js";

const PAUSE_IN_TYPING_MS = 150;

/**
 * @typedef {import("./api.js").Symbol} Symbol
 * @param {{search: (query: string) => void, choose: (symbol: Symbol) => void}} actions
 * @returns {(state: {symbols: Symbol[], note: string, patched: Set<string>}) => void}
 */
export function symbolsView(actions) {
  const query = byId("symbol-query", HTMLInputElement);
  const list = byId("symbol-list", HTMLUListElement);
  const note = byId("symbol-note", HTMLParagraphElement);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Symbol[] | null} */
  let shown = null;
  let shownPatched = "";

  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => actions.search(query.value.trim()), PAUSE_IN_TYPING_MS);
  });
  byId("symbols", HTMLElement).addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const stops = [query, ...list.querySelectorAll("button")];
    const here = stops.findIndex((stop) => stop === document.activeElement);
    stops[here + step]?.focus();
  });

  /** @param {Symbol} symbol @param {boolean} patched @param {boolean} isFirst */
  function row(symbol, patched, isFirst) {
    const facts = `${hex(symbol.address)} · ${symbol.size} B`;
    const name = make("span", "name", symbol.name);
    const choose = make("button", "symbol", name, make("span", "faint", facts));
    choose.type = "button";
    choose.tabIndex = isFirst ? 0 : -1; // the arrows go through the list, Tab goes on
    choose.dataset.kind = symbol.kind;
    if (symbol.kind === "variable") choose.append(make("span", "tag", "variable"));
    if (patched) choose.append(make("span", "tag", "patched"));
    choose.title =
      symbol.kind === "function" ? `Start a patch of ${symbol.name}` : `Declare ${symbol.name}`;
    choose.addEventListener("click", () => actions.choose(symbol));
    return make("li", "", choose);
  }

  return ({ symbols, note: text, patched }) => {
    say(note, text);
    note.hidden = !text;
    const signature = [...patched].join();
    if (symbols === shown && signature === shownPatched) return;
    shown = symbols;
    shownPatched = signature;
    list.replaceChildren(
      ...symbols.map((symbol, n) => row(symbol, patched.has(symbol.name), n === 0)),
    );
  };
}
