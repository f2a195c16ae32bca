/** Emoji by name and by character. Unknown ones stay as they were written. */

import { el, svg } from "./dom.js";
import { GLYPHS } from "./glyphs.js";

// A character may come with the variation selector that asks for a picture, or without it.
const plain = (character) => character.replace("\ufe0f", "");
const NAMES = new Map(Object.entries(GLYPHS).map(([name, [character]]) => [plain(character), name]));

/** The pattern of an emoji in a text, as a source: a name between colons, or one of the page's characters. */
export const EMOJI = `:([a-z0-9_+'-]+):|(${[...NAMES.keys()].join("|")})\ufe0f?`;
const PARTS = new RegExp(EMOJI, "u");

/** Return the emoji with this name or character as a node, or its text if it is unknown. */
export function emoji(name, character) {
  const known = name ?? NAMES.get(character);
  if (!GLYPHS[known]) return `:${known}:`;
  return el("span", { class: "emoji", role: "img", "aria-label": known.replaceAll("_", " "), title: `:${known}:` }, draw(known));
}

/** Replace the emoji of a plain text by nodes. */
export function withEmoji(text) {
  const shown = [];
  let rest = text;
  for (let match = PARTS.exec(rest); match; match = PARTS.exec(rest)) {
    shown.push(rest.slice(0, match.index), emoji(match[1], match[2]));
    rest = rest.slice(match.index + match[0].length);
  }
  return [...shown, rest].filter((piece) => piece !== "");
}

function draw(name) {
  const [, shapes] = GLYPHS[name];
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" }, shapes.map(([tag, about]) => svg(tag, about)));
}
