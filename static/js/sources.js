// @ts-check
/** C that the page puts into the editor: the examples, and skeletons for functions of the firmware. */

import { hex } from "./text.js";

/** @typedef {{name: string, source: string}} Example */

/** @type {Example[]} */
export const EXAMPLES = [
  {
    name: "Blink fast",
    source: `#include <stdint.h>

/* How long the LED stays as it is: 500 ms in flash. */
/* FPB_INJECT */
uint32_t blink_period_ms(void)
{
    return 100;
}
`,
  },
  {
    name: "Call the firmware",
    source: `#include <stdint.h>

uint32_t tick_ms(void); /* the firmware's own, in flash */

/* Faster and slower again, once in eight seconds. */
/* FPB_INJECT */
uint32_t blink_period_ms(void)
{
    uint32_t phase = tick_ms() % 8000;
    return 80 + (phase < 4000 ? phase : 8000 - phase) / 8;
}
`,
  },
  {
    name: "Text and a counter",
    source: `#include <stdbool.h>

/* led_text begins in the middle of a word: two slots. */
/* FPB_INJECT */
const char *led_text(bool on)
{
    static char text[] = "shines, time 0";
    static unsigned times; /* zero at first */

    if (!on) {
        return "is dark";
    }
    times++;
    text[sizeof text - 2] = (char)('0' + times % 10);
    return text;
}
`,
  },
];

const TYPES = new Map([
  [1, "uint8_t"],
  [2, "uint16_t"],
  [4, "uint32_t"],
  [8, "uint64_t"],
]);

/** @param {import("./api.js").Symbol} symbol  a function @returns {string} */
export function skeleton({ name, address, size }) {
  return `#include <stdint.h>

/* ${name} is at ${hex(address)}, ${size} bytes. The symbol table does not know its
   arguments and result: give it the signature it really has. */
/* FPB_INJECT */
void ${name}(void)
{
}
`;
}

/** @param {import("./api.js").Symbol} symbol  a variable @returns {string} */
export function declaration({ name, address, size }) {
  const type = TYPES.get(size);
  const declarator = type ? `${type} ${name}` : `uint8_t ${name}[${size}]`;
  return `extern ${declarator}; /* ${hex(address)}, give it its real type */\n`;
}

/**
 * Tell whether nothing of the user's own would be lost by replacing the editor's text.
 * @param {string} text
 * @param {string} placed  what the page itself put there last
 */
export function isUntouched(text, placed) {
  const bare = text.trim();
  const ours = [placed, ...EXAMPLES.map((example) => example.source)];
  return bare === "" || ours.some((source) => source.trim() === bare);
}
