// @ts-check
/** Run one injection to its known end, whatever happens to the stream. Nothing here touches the page. */

import * as api from "./api.js";

const ASK_AGAIN_MS = 1000;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Inject. `report` gets the server's events, and `refused` when no job was started, `lost` when
 * the stream broke before `end`, `over` when the server then says that the job no longer runs.
 * @param {api.InjectRequest} request
 * @param {(event: any) => void} report
 * @param {{injectEvents: typeof api.injectEvents, getStatus: typeof api.getStatus,
 *   pause: (ms: number) => Promise<unknown>}} [door]  what it reaches the server by
 */
export async function inject(request, report, door = { ...api, pause }) {
  /** @type {string | null} */
  let job = null;
  let ended = false;
  report({ type: "start" });
  try {
    for await (const event of door.injectEvents(request)) {
      if (event.type === "hello") job = event.job;
      ended ||= event.type === "end";
      report(event);
    }
  } catch (error) {
    const known = error instanceof api.Problem && error.code !== "unreachable";
    if (known) {
      report({ type: "refused", failure: { code: error.code, message: error.message } });
      return;
    }
  }
  if (ended) return;
  report({ type: "lost" }); // EOF is not an end: the job lives on without us
  await settled(job, door);
  report({ type: "over" });
}

/**
 * Wait until the server answers and no longer runs `job` (or any, where its name never reached us).
 * @param {string | null} job
 * @param {{getStatus: typeof api.getStatus, pause: (ms: number) => Promise<unknown>}} door
 */
async function settled(job, door) {
  for (;;) {
    const status = await door.getStatus().catch(() => null);
    if (status && (status.job === null || (job !== null && status.job !== job))) return;
    await door.pause(ASK_AGAIN_MS);
  }
}
