/** Links to other sites. */

import { el } from "./dom.js";

const WEB = /^https?:/i;
const WEB_OR_MAIL = /^(https?:|mailto:)/i;

/** Return whether the address is http or https. */
export function isWeb(address) {
  return WEB.test(String(address ?? ""));
}

/** Return whether a link to the address is allowed: http, https or mailto. */
export function isOutside(address) {
  return WEB_OR_MAIL.test(String(address ?? ""));
}

/** Return a link that opens in a new tab, without referrer and opener. */
export function outsideLink(address, words, attributes = { class: "link" }) {
  // noopener keeps the other page from reaching this window.
  return el("a", { ...attributes, href: address, target: "_blank", rel: "noopener noreferrer" }, words);
}
