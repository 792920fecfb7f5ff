// @ts-check
/** What is wrong with the board's patches and one click puts right. */

import { byId, say } from "./dom.js";

/**
 * @param {{reapply: () => void, verify: () => void}} actions
 * @returns {(state: {status: import("./api.js").Status | null}) => void}
 */
export function troubleView({ reapply, verify }) {
  const lost = byId("lost", HTMLDivElement);
  const doubt = byId("doubt", HTMLDivElement);
  const again = byId("reapply", HTMLButtonElement);
  const check = byId("verify", HTMLButtonElement);
  again.addEventListener("click", reapply);
  check.addEventListener("click", verify);
  return ({ status }) => {
    const isFree = status?.state === "connected" && status.job === null;
    const names = (status?.lost_patches ?? []).map((patch) => patch.function).join(", ");
    say(byId("lost-text", HTMLSpanElement), names && `A reset of the board took away: ${names}.`);
    say(
      byId("doubt-text", HTMLSpanElement),
      status?.doubt
        ? "A job was cut off that may have changed the board. Nothing is written to it before it is verified."
        : "",
    );
    lost.hidden = !names;
    doubt.hidden = !status?.doubt;
    again.disabled = check.disabled = !isFree;
  };
}
