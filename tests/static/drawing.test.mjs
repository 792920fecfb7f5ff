// When the page is drawn, with the time in our hands.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { drawnInPauses, PATIENCE_MS, QUIET_MS } from "../../static/js/drawing.js";

let drawn = 0;
const render = drawnInPauses(() => drawn++);

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  drawn = 0;
});

test("news that come together are drawn once, when they have ceased", () => {
  for (let n = 0; n < 5; n++) {
    render();
    mock.timers.tick(QUIET_MS - 1);
  }
  assert.equal(drawn, 0);
  mock.timers.tick(1);
  assert.equal(drawn, 1);
  mock.timers.tick(10 * PATIENCE_MS);
  assert.equal(drawn, 1);
});

test("news that do not cease are drawn all the same, each time the patience ends", () => {
  for (let ms = 0; ms < 3 * PATIENCE_MS; ms++) {
    render();
    mock.timers.tick(1);
  }
  mock.timers.tick(QUIET_MS);
  assert.equal(drawn, 3);
});
