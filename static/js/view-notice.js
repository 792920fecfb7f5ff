// @ts-check
/** What the page has to tell or to ask, in its own place: never a dialog that stops everything. */

import { byId, say } from "./dom.js";

/** @returns {{show: (error: unknown) => void, clear: () => void}} */
export function noticeView() {
  const notice = byId("notice", HTMLParagraphElement);
  const clear = () => {
    notice.hidden = true;
  };
  byId("notice-close", HTMLButtonElement).addEventListener("click", clear);
  return {
    show(error) {
      const { message, code } = /** @type {Error & {code?: string}} */ (error);
      const text = byId("notice-text", HTMLSpanElement);
      if (!notice.hidden && text.textContent === message) return; // told already, maybe with its code
      say(text, message);
      say(byId("notice-code", HTMLElement), code ?? "");
      notice.hidden = false;
    },
    clear,
  };
}

/** @returns {(question: string, onYes: () => void) => void} asks whether to replace the user's text */
export function replaceQuestion() {
  const bar = byId("replace", HTMLDivElement);
  const yes = byId("replace-yes", HTMLButtonElement);
  const editor = byId("editor", HTMLTextAreaElement);
  let act = () => {};

  function close() {
    bar.hidden = true;
    editor.focus();
  }
  yes.addEventListener("click", () => {
    close();
    act();
  });
  byId("replace-no", HTMLButtonElement).addEventListener("click", close);
  bar.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  return (question, onYes) => {
    act = onYes;
    say(byId("replace-text", HTMLSpanElement), question);
    bar.hidden = false;
    yes.focus();
  };
}
