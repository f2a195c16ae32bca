/** Blocks that contain controls: actions, and one labelled input. */

import { el } from "../dom.js";
import { drawElement } from "../elements/elements.js";
import { icon } from "../icons.js";
import { drawText } from "./textobjects.js";

const GROUPS = new Set(["radio_buttons", "checkboxes"]);

export function actions(block, use, directory) {
  const controls = (block.elements ?? []).map((element) => drawElement(element, block, use, directory, {}));
  return el("div", { class: "block actions" }, controls);
}

export function input(block, use, directory) {
  const ids = { label: use.idOf(block, "label"), control: use.idOf(block, "control") };
  const error = use.error(block.block_id);
  const notes = [block.hint && use.idOf(block, "hint"), error && use.idOf(block, "error")].filter(Boolean).join(" ");
  const about = {
    id: ids.control,
    labelledBy: ids.label,
    describedBy: notes || null,
    invalid: Boolean(error),
    required: !block.optional,
  };
  const optional = block.optional && el("span", { class: "optional" }, " (optional)");
  const isGroup = GROUPS.has(block.element?.type);
  return el(
    "div",
    { class: `block input${error ? " input-wrong" : ""}` },
    el(
      isGroup ? "div" : "label",
      { class: "label", id: ids.label, for: !isGroup && ids.control },
      drawText(block.label, directory),
      optional,
    ),
    drawElement(block.element, block, use, directory, about),
    error && el("p", { class: "input-error", id: use.idOf(block, "error"), role: "alert" }, icon("alert"), error),
    block.hint && el("p", { class: "input-hint", id: use.idOf(block, "hint") }, drawText(block.hint, directory)),
  );
}
