/** The button that jumps to the day on which the digest of many domains is due. */

import { el } from "./dom.js";

/** Return the button, or null if the demo cannot jump (any more). */
export function calendarButton(canJump, actions) {
  if (!canJump) return null;
  const button = el("button", { type: "button", class: "button button-small", onclick: () => jump() }, "Jump to February 15, 2027");
  const jump = async () => {
    button.disabled = true;
    if (await actions.act("jump")) button.remove();
    else button.disabled = false;
  };
  return el("p", { class: "calendar" }, button);
}
