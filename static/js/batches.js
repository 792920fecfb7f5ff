// @ts-check
/** What the page knows of the server's batches, and which of them it shows. */

import * as api from "./api.js";
import { goesOn, latest, reduceBatch } from "./batch.js";
import { recall, remember } from "./dom.js";

/** @typedef {import("./batch.js").Batch} Batch */

const CLOSED = "fpbay.closed"; // the browser's: those that are over and shall not be shown
const MANY = 20; // more than are ever of interest

/** @param {{render: () => void}} page */
export function createBatches({ render }) {
  /** @type {Map<string, Batch>} the latest */
  let known = new Map();
  let closed = recallClosed();
  addEventListener("storage", () => {
    closed = recallClosed(); // another tab closed one
    render();
  });

  /** @param {any} event  the server's, or the page's own @param {string} id  of the batch it tells of */
  function hear(event, id) {
    const before = known.get(id);
    const batch = reduceBatch(before, event);
    if (!batch || batch === before) return;
    known = new Map(latest(new Map(known).set(id, batch).values()).map((each) => [each.id, each]));
    render();
  }

  return {
    hear,
    /** @param {any} event  one that tells of a job @param {string} id  the job's */
    isOne: (event, id) => known.has(id) || event.job?.kind === "batch",
    running: () => [...known.values()].filter(goesOn),
    shown: () => [...known.values()].filter(({ id }) => !closed.includes(id)),
    /** @param {string} id */
    close(id) {
      closed = [...closed, id].slice(-MANY);
      remember(CLOSED, closed);
      render();
    },
    /** Ask for those that are over: the stream tells only of what happens. */
    async ask() {
      const jobs = await api.getBatches().catch(() => []);
      for (const job of jobs) hear({ type: "job", job }, job.id);
    },
  };
}

/** @returns {string[]} */
function recallClosed() {
  const ids = recall(CLOSED);
  return Array.isArray(ids) ? ids : [];
}
