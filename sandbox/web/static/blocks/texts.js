/** The blocks that are mostly text: section, header, context, divider. */

import { el } from "../dom.js";
import { drawElement } from "../elements/elements.js";
import { picture } from "./images.js";
import { drawText } from "./textobjects.js";

export function section(block, use, directory) {
  const fields = (block.fields ?? []).map((field) => el("div", { class: "field" }, drawText(field, directory)));
  const text = el("div", { class: "section-text", id: use.idOf(block, "text") }, drawText(block.text, directory));
  return el(
    "div",
    { class: "block section" },
    el(
      "div",
      { class: "section-body" },
      block.text && text,
      fields.length > 0 && el("div", { class: "fields" }, fields),
    ),
    block.accessory && el("div", { class: "accessory" }, accessory(block, use, directory)),
  );
}

function accessory(block, use, directory) {
  if (block.accessory.type === "image") return picture(block.accessory, "thumbnail");
  return drawElement(block.accessory, block, use, directory, { labelledBy: block.text ? use.idOf(block, "text") : null });
}

export function header(block, _use, directory) {
  return el("div", { class: "block header", role: "heading", "aria-level": "4" }, drawText(block.text, directory));
}

export function context(block, _use, directory) {
  const parts = (block.elements ?? []).map((each) =>
    each.type === "image" ? picture(each, "tiny") : el("span", {}, drawText(each, directory)),
  );
  return el("div", { class: "block context" }, parts);
}

export function divider() {
  return el("hr", { class: "block divider" });
}
