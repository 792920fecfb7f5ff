// @ts-check
/** The board's slots: what is patched, and the switches for it. */

import { button, byId, make, say } from "./dom.js";
import { hex, kib } from "./text.js";

/** @typedef {import("./api.js").Info} Info */
/** @typedef {import("./api.js").Slot} Slot */

/** @param {Info} info */
function summary({ fpb, memory }) {
  const unit = `FPB v${fpb.version} ${fpb.enabled ? "on" : "off"}`;
  return memory ? `${unit} · ${kib(memory.free)} of ${kib(memory.size)} free` : unit;
}

/**
 * @param {{enable: (slot: number, enable: boolean) => void, remove: (slot: number) => void,
 *   removeAll: () => void, refresh: () => void}} actions
 * @returns {(state: {info: Info | null, connected: boolean, busy: boolean}) => void}
 */
export function slotsView(actions) {
  const rows = byId("slot-rows", HTMLTableSectionElement);
  const note = byId("slots-note", HTMLParagraphElement);
  const removeAll = byId("remove-all", HTMLButtonElement);
  const refresh = byId("refresh", HTMLButtonElement);
  const choice = byId("slot", HTMLSelectElement);
  /** @type {Info | null | undefined} */
  let shown;
  removeAll.addEventListener("click", actions.removeAll);
  refresh.addEventListener("click", actions.refresh);

  /** @param {Slot} slot */
  function row(slot) {
    const number = make("th", "", String(slot.slot));
    number.scope = "row";
    if (slot.empty) {
      const empty = make("td", "faint", "free");
      empty.colSpan = 6;
      return finish(make("tr", "empty", number, empty), slot);
    }
    const toggle = button(slot.enabled ? "on" : "off", () =>
      actions.enable(slot.slot, !slot.enabled),
    );
    toggle.className = "switch";
    toggle.setAttribute("role", "switch");
    toggle.setAttribute("aria-checked", String(slot.enabled));
    const name = slot.function ?? "unknown function";
    toggle.setAttribute("aria-label", `Patch of ${name}`);
    const remove = button("Remove", () => actions.remove(slot.slot));
    remove.setAttribute("aria-label", `Remove the patch of ${name}`);
    const address = make("td", "mono", hex(slot.original));
    address.title = `patch at ${hex(slot.target)}, FP_COMP${slot.slot} = ${hex(slot.comparator)}`;
    const mode = slot.pair === null ? slot.mode : `${slot.mode}, with ${slot.pair}`;
    const size = slot.size ? `${slot.size} B` : "";
    return finish(
      make("tr", "", number, make("td", "mono function", name), address,
        make("td", "num optional", size), make("td", "optional", mode), make("td", "", toggle),
        make("td", "num", remove)),
      slot,
    );
  }

  /** @param {HTMLTableRowElement} element @param {Slot} slot */
  function finish(element, slot) {
    element.dataset.slot = String(slot.slot);
    element.dataset.enabled = String(!slot.empty && slot.enabled);
    return element;
  }

  /** @param {number} count */
  function offer(count) {
    if (choice.options.length === count + 1) return;
    const any = make("option", "", "any free slot");
    any.value = "";
    choice.replaceChildren(any, ...Array.from({ length: count }, (_, n) => {
      const option = make("option", "", `slot ${n}`);
      option.value = String(n);
      return option;
    }));
  }

  return ({ info, connected, busy }) => {
    const unknown = busy ? "Asking the board" : "Not known; Refresh asks the board";
    say(note, info ? summary(info) : connected ? unknown : "Connect a board to see its slots");
    byId("elf-warning", HTMLParagraphElement).hidden = info?.elf_matches !== false;
    byId("slot-table", HTMLTableElement).hidden = !info;
    rows.setAttribute("aria-busy", String(busy));
    refresh.disabled = !connected;
    removeAll.disabled = !info?.slots.some((slot) => !slot.empty);
    if (info === shown) return;
    shown = info;
    const held = document.activeElement;
    const slot = held?.closest("tr")?.dataset.slot;
    const control = held?.className;
    rows.replaceChildren(...(info?.slots ?? []).map(row));
    const again = slot && rows.querySelector(`tr[data-slot="${slot}"] button.${control}`);
    if (again instanceof HTMLButtonElement) again.focus();
    offer(info?.slots.length ?? 0);
  };
}
