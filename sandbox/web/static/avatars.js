/** Avatars: initials on a color derived from the name, and the app's own icon. */

import { el } from "./dom.js";
import { icon } from "./icons.js";

const COLOURS = 8;

/** Return the avatar of a user or an app. It is hidden from screen readers, since the name is beside it. */
export function avatar(name, { app = false, own = false } = {}) {
  if (own) return el("span", { class: "avatar" }, el("img", { src: "/static/icon.svg", alt: "" }));
  if (name === "Slackbot") return el("span", { class: "avatar avatar-slackbot", "aria-hidden": "true" }, icon("bolt"));
  const colour = `avatar-${[...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % COLOURS}`;
  return el("span", { class: `avatar ${colour}${app ? " avatar-app" : ""}`, "aria-hidden": "true" }, initials(name));
}

function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  return (words.length > 1 ? words[0][0] + words.at(-1)[0] : name.slice(0, 1)).toUpperCase();
}
