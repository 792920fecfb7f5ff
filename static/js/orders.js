// @ts-check
/**
 * Ask for a job so that it is begun once, however often it is asked for. Nothing here touches the page.
 *
 * An order has a key, which is kept until the server has answered, over a reload too: who asks for
 * the same again after a lost answer gets the job that the first request began.
 */

import * as api from "./api.js";

const KEPT = "fpbay.order";

/** @typedef {{order: string, board: string, key: string | null, job: string | null}} Kept
 * `key` until the answer has come, `job` from then on. */

/**
 * @param {Pick<Storage, "getItem" | "setItem">} storage  the tab's own
 * @param {typeof api.order} [send]
 */
export function createOrders(storage, send = api.order) {
  /** @type {Kept | null} */
  let kept = null;
  try {
    kept = JSON.parse(storage.getItem(KEPT) ?? "null");
  } catch {
    // unreadable, or storage is switched off: a reload then forgets
  }

  /** @param {Kept} now */
  function keep(now) {
    kept = now;
    try {
      storage.setItem(KEPT, JSON.stringify(now));
    } catch {
      // as above, or full
    }
  }

  return {
    /** What was asked for last: has it been answered, and by which job? */
    last: () => kept && { board: kept.board, job: kept.job, isAnswered: kept.key === null },
    /**
     * @param {string} board @param {api.Order} what
     * @returns {Promise<api.JobSnapshot>} fails with a `Problem`: "unreachable", or a refusal
     */
    async send(board, what) {
      const order = JSON.stringify(what);
      const isSame = kept?.order === order && kept.board === board;
      const key = (isSame && kept?.key) || newKey();
      keep({ order, board, key, job: null });
      try {
        const job = await send(board, what, key);
        keep({ order, board, key: null, job: job.id });
        return job;
      } catch (error) {
        const isRefusal = error instanceof api.Problem && error.code !== "unreachable";
        if (isRefusal) keep({ order, board, key: null, job: null });
        throw error;
      }
    },
  };
}

/** Not `randomUUID`: a page that came over plain HTTP from another machine does not have it. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
