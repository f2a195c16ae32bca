/** The blocks that are little more than text: section, header, context, divider. */

import { el } from "../dom.js";
import { drawElement } from "../elements/elements.js";
import { picture } from "./images.js";
import { words } from "./textobjects.js";

export function section(block, use, world) {
  const fields = (block.fields ?? []).map((field) => el("div", { class: "field" }, words(field, world)));
  const text = el("div", { class: "section-text", id: use.idOf(block, "text") }, words(block.text, world));
  return el(
    "div",
    { class: "block section" },
    el(
      "div",
      { class: "section-body" },
      block.text && text,
      fields.length > 0 && el("div", { class: "fields" }, fields),
    ),
    block.accessory && el("div", { class: "accessory" }, accessory(block, use, world)),
  );
}

function accessory(block, use, world) {
  if (block.accessory.type === "image") return picture(block.accessory, "thumbnail");
  return drawElement(block.accessory, block, use, world, { labelledBy: block.text ? use.idOf(block, "text") : null });
}

export function header(block, _use, world) {
  return el("div", { class: "block header", role: "heading", "aria-level": "4" }, words(block.text, world));
}

export function context(block, _use, world) {
  const parts = (block.elements ?? []).map((each) =>
    each.type === "image" ? picture(each, "tiny") : el("span", {}, words(each, world)),
  );
  return el("div", { class: "block context" }, parts);
}

export function divider() {
  return el("hr", { class: "block divider" });
}
