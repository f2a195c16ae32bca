/** Links that leave the page. */

import { el } from "./dom.js";

const WEB = /^https?:/i;
const WEB_OR_MAIL = /^(https?:|mailto:)/i;

/** Whether the address is one of the web. */
export function isWeb(address) {
  return WEB.test(String(address ?? ""));
}

/** Whether a link may lead there: to the web, or to somebody's mail. */
export function isOutside(address) {
  return WEB_OR_MAIL.test(String(address ?? ""));
}

/** A link in a tab of its own, which learns nothing of the page. */
export function outsideLink(address, words, attributes = { class: "link" }) {
  return el("a", { ...attributes, href: address, target: "_blank", rel: "noopener noreferrer" }, words);
}
