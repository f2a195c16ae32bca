/** A button that opens a menu, for mouse, keyboard and screen reader. */

import { el, fill, freshId } from "./dom.js";
import { floatAtEnd } from "./floating.js";

/**
 * Create a button with a menu.
 *
 * `items()` is called when the menu opens, and returns {label, about, mark, checked, act} or {heading}. Items with
 * `checked` are alternatives of which one is chosen.
 */
export function menuButton({ label, face, classes = "", items }) {
  const menu = el("div", { id: freshId("menu"), role: "menu", class: "menu", popover: "auto", "aria-label": label });
  const button = el(
    "button",
    {
      type: "button",
      class: classes,
      "aria-label": label,
      title: label,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-controls": menu.id,
    },
    face,
  );
  button.addEventListener("click", () => {
    fill(
      menu,
      items().map((item) => row(item, menu)),
    );
    menu.togglePopover();
  });
  menu.addEventListener("toggle", (event) => {
    const isOpen = event.newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    floatAtEnd(menu, button);
    menu.querySelector("[role^=menuitem]")?.focus();
  });
  menu.addEventListener("keydown", (event) => onKey(event, menu, button));
  return el("span", { class: "menu-place" }, button, menu);
}

function row(item, menu) {
  if (item.heading) return el("div", { class: "menu-heading", role: "presentation" }, item.heading);
  const isOneOf = "checked" in item;
  const about = {
    type: "button",
    class: "menu-item",
    tabindex: "-1",
    role: isOneOf ? "menuitemradio" : "menuitem",
    "aria-checked": isOneOf && String(item.checked),
  };
  const choose = () => {
    menu.hidePopover();
    item.act();
  };
  const words = el(
    "span",
    { class: "menu-words" },
    el("span", {}, item.label),
    item.about && el("span", { class: "menu-about" }, item.about),
  );
  return el("button", { ...about, onclick: choose }, item.mark, words);
}

function onKey(event, menu, button) {
  const rows = [...menu.querySelectorAll("[role^=menuitem]")];
  const at = rows.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    // `at` accepts negative indices, so ArrowUp wraps around as well.
    rows.at(next % rows.length)?.focus();
  } else if (event.key === "Tab" || event.key === "Escape") {
    event.preventDefault();
    // Escape closes the menu, and must not close the modal behind it.
    event.stopPropagation();
    menu.hidePopover();
    button.focus();
  }
}
