// @ts-check
/** The bar at the top: which port, and what became of it. */

import { byId, make, put, recall, remember, say } from "./dom.js";
import { connectionInWords } from "./text.js";

const OTHER = "other"; // no URL that pyserial opens is spelled so
const KEPT = "fpbay.connection";

/**
 * @typedef {{status: import("./api.js").Status | null, refusal: string, ports: import("./api.js").Port[] | null,
 *   connecting: boolean, roundTrip: string}} ConnectionState
 * @param {{connect: (to: {port: string, baudrate: number, elf: string | null}) => void,
 *   disconnect: () => void, ping: () => void}} actions
 * @returns {(state: ConnectionState) => void}
 */
export function connectionView(actions) {
  const form = byId("connection", HTMLFormElement);
  const fields = byId("fields", HTMLFieldSetElement);
  const port = byId("port", HTMLSelectElement);
  const other = byId("port-other", HTMLInputElement);
  const otherLabel = byId("port-other-label", HTMLLabelElement);
  const baud = byId("baud", HTMLInputElement);
  const elf = byId("elf", HTMLInputElement);
  const connect = byId("connect", HTMLButtonElement);
  const state = byId("state", HTMLParagraphElement);
  const detail = byId("state-detail", HTMLSpanElement);
  const ping = byId("ping", HTMLButtonElement);
  const kept = recall(KEPT) ?? {};
  let wanted = String(kept.port ?? "");
  let listed = "";
  let connected = false;
  let shown = ""; // the board that the fields are about
  baud.value = String(kept.baudrate ?? baud.value);
  elf.value = String(kept.elf ?? "");

  function showOther() {
    otherLabel.hidden = port.value !== OTHER;
    other.required = !otherLabel.hidden;
  }

  port.addEventListener("change", () => {
    wanted = port.value;
    showOther();
    if (!otherLabel.hidden) other.focus();
    elf.value = ""; // it belonged to the port before
  });
  ping.addEventListener("click", actions.ping);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (connected) return actions.disconnect();
    const url = port.value === OTHER ? other.value.trim() : port.value;
    const to = { port: url, baudrate: Number(baud.value), elf: elf.value.trim() || null };
    remember(KEPT, to);
    wanted = url;
    actions.connect(to);
  });

  /** @param {import("./api.js").Port[]} ports @param {string | null} current */
  function list(ports, current) {
    const signature = JSON.stringify([ports, current]);
    if (signature === listed || document.activeElement === port) return; // it may be open
    listed = signature;
    const chosen = current ?? wanted;
    const known = ports.some(({ url }) => url === chosen);
    const options = ports.map(({ url, description, kind }) => {
      const telling = kind === "serial" && description && description !== "n/a";
      const option = make("option", "", telling ? `${url}, ${description}` : url);
      option.title = description;
      option.value = url;
      return option;
    });
    const another = make("option", "", "Another path or URL");
    another.value = OTHER;
    port.replaceChildren(...options, another);
    port.value = known ? chosen : chosen ? OTHER : (ports[0]?.url ?? OTHER);
    if (!known && chosen && chosen !== OTHER) other.value = chosen;
    showOther();
  }

  return ({ status, refusal, ports, connecting: asked, roundTrip }) => {
    const connecting = asked || status?.state === "connecting";
    if (status && status.board !== shown) {
      if (shown) elf.value = ""; // it belongs to the board that was shown before
      shown = status.board || "another";
    }
    if (ports) list(ports, status?.port ?? null);
    const words = connectionInWords(status, refusal);
    connected = status?.state === "connected";
    const own = ports?.find(({ url }) => url === status?.port)?.kind === "emulated";
    if (connected && status?.baudrate) put(baud, String(status.baudrate));
    if (connected && status?.elf && !own) put(elf, status.elf); // to connect again with
    fields.hidden = connected;
    fields.disabled = connected || connecting; // what is disabled is not validated either
    byId("bar", HTMLElement).dataset.connected = String(connected);
    detail.title = (connected && status?.elf) || "";
    connect.disabled = connecting || !status;
    connect.classList.toggle("primary", !connected);
    const idle = status?.state === "lost" ? "Reconnect" : "Connect";
    say(connect, connecting ? "Connecting" : connected ? "Disconnect" : idle);
    state.dataset.tone = words.tone;
    say(byId("state-text", HTMLSpanElement), words.text);
    say(detail, words.detail);
    ping.disabled = !connected;
    say(byId("round-trip", HTMLOutputElement), connected ? roundTrip : "");
  };
}
