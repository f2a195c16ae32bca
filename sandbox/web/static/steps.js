/** Three steps for a first visit. Once dismissed, they do not come back in this browser. */

import { el, fill } from "./dom.js";
import { iconButton } from "./icons.js";

const KEY = "steps";
const STEPS = [
  ["Run ", el("code", {}, "/dcv-resend"), " in #pki and choose an order."],
  ["Choose a recipient and send the email."],
  ["Approve the email under ", el("b", {}, "Emails"), ". The card turns to ", el("b", {}, "validated"), "."],
];

/** Draw the steps, unless they were dismissed. */
export function drawSteps(node) {
  const dismiss = () => {
    localStorage.setItem(KEY, "dismissed");
    node.hidden = true;
  };
  node.hidden = localStorage.getItem(KEY) === "dismissed";
  fill(
    node,
    el("h2", {}, "Try it"),
    el("ol", {}, STEPS.map((step) => el("li", {}, el("span", {}, step)))),
    iconButton("close", "Dismiss", dismiss),
  );
}
