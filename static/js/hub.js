// @ts-check
/** One stream for many tabs: each is told all, and one that comes later what it missed. */

import { followEvents } from "./events.js";

/** @typedef {import("./events.js").ServerEvent} ServerEvent */
/** @typedef {import("./events.js").StreamState} StreamState */
/** @typedef {{past: ServerEvent[], cursor: string, state: StreamState}} Past */
/** @typedef {{event: ServerEvent}} News */
/** @typedef {Past | News | {state: StreamState}} Message  what tabs are told */

const MAX_LINES = 200; // of output, for a tab that comes later

/**
 * What a tab that comes later has to be told: the last snapshots, what changed since, the last
 * lines of output, and the story of each board's last job.
 * @param {ServerEvent[]} [before]
 * @returns {{add: (event: ServerEvent) => void, events: () => ServerEvent[]}}
 */
export function createPast(before = []) {
  /** @type {ServerEvent[]} */
  let hello = [];
  /** @type {Map<string, ServerEvent>} */
  let boards = new Map();
  /** @type {Map<string, ServerEvent[]>} the first of each is the snapshot at its beginning */
  let stories = new Map();
  /** @type {ServerEvent[]} */
  const lines = [];

  /** @param {ServerEvent} event */
  function begin(event) {
    for (const [id, story] of stories) {
      const isOver = story.at(-1)?.type === "end";
      if (isOver && story[0]?.job.board === event.job.board) stories.delete(id);
    }
    stories.set(event.job.id, [event]);
  }

  /** @param {ServerEvent[]} story @param {ServerEvent} event */
  function goOn(story, event) {
    if (event.type === "progress" && story.at(-1)?.type === "progress") story.pop();
    const told = event.type === "task-progress" ? story.findIndex((old) => replaces(event, old)) : -1;
    if (told >= 0) story.splice(told, 1);
    story.push(event);
  }

  /** @param {ServerEvent} event */
  function add(event) {
    if (event.type === "hello" || event.type === "reset") {
      hello = [{ ...event, type: "hello" }]; // stands for all that was before
      boards = new Map();
      stories = new Map();
    } else if (event.type === "board") {
      boards.set(event.board.board, event);
    } else if (event.type === "job" && !stories.has(event.job.id)) {
      begin(event);
    } else if (event.type === "log" || (event.type === "warning" && !event.job)) {
      lines.push(event);
      if (lines.length > MAX_LINES) lines.shift();
    } else {
      const story = stories.get(event.job.id ?? event.job);
      if (story) goOn(story, event);
    }
  }

  before.forEach(add);
  return {
    add,
    events: () => [...hello, ...boards.values(), ...[...stories.values()].flat(), ...lines],
  };
}

/**
 * Tell whether the progress of a batch's task says again what an older one said.
 * @param {ServerEvent} event @param {ServerEvent} old
 */
const replaces = (event, old) =>
  old.type === event.type && old.task === event.task && "stage" in old === "stage" in event;

/**
 * @param {(message: Message) => void} tell  all tabs
 * @param {{cursor: string, past: ServerEvent[]}} [from]  where another left off
 * @param {typeof followEvents} [follow]
 */
export function createHub(tell, from = { cursor: "", past: [] }, follow = followEvents) {
  const past = createPast(from.past);
  /** @type {StreamState} */
  let state = "connecting";
  const stream = follow(
    {
      onEvent(event) {
        past.add(event);
        tell({ event });
      },
      onState(next) {
        if (next === state) return;
        state = next;
        tell({ state });
      },
    },
    from.cursor,
  );
  return {
    open: stream.open,
    close: stream.close,
    /** @returns {Past} */
    past: () => ({ past: past.events(), cursor: stream.cursor(), state }),
  };
}
