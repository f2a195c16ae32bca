/** The interactions with the controls of a message and of the Home tab. Those of a modal are in `modal.js`. */

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
    press: (place, option) => actions.act("click", { ...at, ...place, option: option?.value }),
    choose: (place, wanted) => actions.act("choose_below", { ...at, ...place, wanted }),
    search: async (place, text) => (await actions.act("search_below", { ...at, ...place, text }))?.options ?? null,
    fill: () => undefined,
    enter: () => undefined,
  };
}

/** Return the interactions with the controls of a home view. */
export function homeUse(view, actions) {
  const at = { view: view.id };
  const state = ({ block_id: block, action_id: action }) => view.values[block]?.[action];
  return {
    idOf: blockIds(),
    error: () => null,
    value: state,
    typed: (place) => state(place)?.value ?? "",
    canClear: () => false,
    press: (place, option) => actions.act("press", { ...at, ...place, option: option?.value }),
    choose: (place, wanted) => actions.act("choose", { ...at, ...place, wanted }),
    search: async (place, text) => (await actions.act("search", { ...at, ...place, text }))?.options ?? null,
    fill: (place, text) => actions.act("fill", { ...at, ...place, text }),
    enter: (place) => actions.act("enter", { ...at, ...place }),
  };
}
