/** The interactions with the controls of a message. Those of a modal are in `modal.js`. */

import { freshId } from "./dom.js";

/** Return a function that gives ids for parts of blocks, always the same for the same block and part. */
export function blockIds() {
  const ids = new Map();
  return (block, part) => {
    const key = `${block.block_id}/${part}`;
    if (!ids.has(key)) ids.set(key, freshId("block"));
    return ids.get(key);
  };
}

/** Return the interactions with the controls of one message. */
export function messageUse(message, actions) {
  const at = { channel: message.channel, ts: message.ts };
  return {
    idOf: blockIds(),
    error: () => null,
    value: () => undefined,
    typed: () => "",
    canClear: () => false,
    press: (place, option) => actions.act("click", { ...at, ...place, option: option?.text.text }),
    choose: (place, wanted) => actions.act("choose_below", { ...at, ...place, wanted }),
    search: async (place, text) => (await actions.act("search_below", { ...at, ...place, text }))?.options ?? null,
    fill: () => undefined,
    enter: () => undefined,
  };
}
