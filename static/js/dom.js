// @ts-check
/** The few steps every view takes on the page's elements. */

/**
 * Return the element with this id. A page without it is a mistake of ours, so it throws.
 * @template {HTMLElement} T
 * @param {string} id @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new TypeError(`#${id} is not a ${type.name}`);
  return element;
}

/**
 * Return the first element in another that a selector meets, as byId does.
 * @template {HTMLElement} T
 * @param {ParentNode} root @param {string} selector @param {new () => T} type
 * @returns {T}
 */
export function within(root, selector, type) {
  const element = root.querySelector(selector);
  if (!(element instanceof type)) throw new TypeError(`${selector} is not a ${type.name}`);
  return element;
}

/**
 * Make an element. Text goes in as text, never as markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {string} className @param {...(Node | string)} content
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

/** @param {string} text @param {() => void} onClick @param {string} [className] */
export function button(text, onClick, className = "quiet") {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/**
 * Set the text only where it differs, so that a live region speaks only when there is news.
 * @param {HTMLElement} element @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set the value only where it differs: Chromium's autofill looks at all forms anew after each time.
 * @param {HTMLInputElement | HTMLSelectElement} control @param {string} value
 */
export function put(control, value) {
  if (control.value !== value) control.value = value;
}

/** @typedef {"localStorage" | "sessionStorage"} Where  the browser's, or the tab's own */

/**
 * @param {string} key @param {Where} [where]
 * @returns {any} what was remembered; null: nothing, or no longer readable
 */
export function recall(key, where = "localStorage") {
  try {
    return JSON.parse(window[where].getItem(key) ?? "null");
  } catch {
    return null; // storage is switched off: the page works, it only forgets
  }
}

/** @param {string} key @param {unknown} value @param {Where} [where] */
export function remember(key, value, where = "localStorage") {
  try {
    window[where].setItem(key, JSON.stringify(value));
  } catch {
    // as above, or full
  }
}
