// @ts-check
/**
 * When the page is drawn: once for all the news that come together, and behind the answer to a
 * request that somebody makes on the last of them. Nothing here touches the page.
 */

export const QUIET_MS = 20; // without news: nobody sees that a result was drawn so much later
export const PATIENCE_MS = 100; // where there is no such pause

/**
 * @param {() => void} draw
 * @returns {() => void} says that there is something to draw
 */
export function drawnInPauses(draw) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let quiet;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let patience;

  function now() {
    clearTimeout(quiet);
    clearTimeout(patience);
    patience = undefined;
    draw();
  }

  return () => {
    clearTimeout(quiet);
    quiet = setTimeout(now, QUIET_MS);
    patience ??= setTimeout(now, PATIENCE_MS);
  };
}
