// @ts-check
/** The shared worker: holds the browser's one stream, for as long as there is a tab. */

import { createHub } from "./hub.js";

/** @type {Set<MessagePort>} */
const tabs = new Set();
const hub = createHub((message) => {
  for (const tab of tabs) tab.postMessage(message);
});

self.addEventListener("connect", (event) => {
  const [tab] = /** @type {MessageEvent} */ (event).ports;
  if (!tab) return;
  if (tabs.size === 0) hub.open();
  tabs.add(tab);
  tab.onmessage = () => {
    tabs.delete(tab); // it says so when it goes; there is nothing else that it says
    if (tabs.size === 0) hub.close();
  };
  tab.postMessage(hub.past());
});
