/** Buttons and overflow menus, with their confirmation. */

import { confirmed } from "../confirm.js";
import { el } from "../dom.js";
import { withEmoji } from "../emoji.js";
import { icon } from "../icons.js";
import { isWeb, outsideLink } from "../links.js";
import { menuButton } from "../menu.js";

export function button(element, place, use, directory) {
  const kind = element.style ? ` button-${element.style}` : "";
  const classes = `button button-small${kind}`;
  const press = async (event) => {
    const pressed = event.currentTarget;
    if (pressed.getAttribute("aria-busy") || !(await confirmed(element.confirm, directory))) return;
    pressed.setAttribute("aria-busy", "true");
    const answer = await use.press(place);
    pressed.removeAttribute("aria-busy");
    if (answer?.acked === false) markFailed(pressed);
  };
  const label = withEmoji(String(element.text?.text ?? ""));
  const about = { class: classes, "aria-label": element.accessibility_label, data: place, onclick: press };
  // A click on a link opens it and is reported to the app, too.
  const open = directory.opener(element.url);
  if (open) return el("button", { type: "button", ...about, onclick: (event) => [open(), press(event)] }, label);
  if (isWeb(element.url)) return outsideLink(element.url, label, about);
  return el("button", { type: "button", ...about }, label);
}

/** Mark a button whose click the app did not acknowledge, as Slack does. */
function markFailed(pressed) {
  if (pressed.nextElementSibling?.classList.contains("press-failed")) return;
  const label = "The app didn't respond";
  pressed.after(el("span", { class: "press-failed", role: "img", "aria-label": label, title: label }, icon("alert")));
}

export function overflow(element, place, use, directory) {
  const items = (element.options ?? []).map((option) => ({
    label: option.text.text,
    about: option.description?.text,
    act: async () => (await confirmed(element.confirm, directory)) && use.press(place, option),
  }));
  return menuButton({ label: "More options", face: icon("dots"), classes: "button button-small", items: () => items });
}
