/** Tables of both kinds. */

import { el } from "../dom.js";
import { richText } from "./richtext.js";

export function table(block, use, directory) {
  const columns = block.column_settings ?? [];
  const [head, ...rows] = block.rows ?? [];
  const cells = (row, name) => row.map((cell, index) => drawCell(cell, name, columns[index], use, directory));
  return el(
    "div",
    { class: "block table", tabindex: "0", role: "region", "aria-label": block.caption ?? "Table" },
    el(
      "table",
      {},
      block.caption && el("caption", {}, block.caption),
      head && el("thead", {}, el("tr", {}, cells(head, "th"))),
      el(
        "tbody",
        {},
        rows.map((row) => el("tr", {}, cells(row, "td"))),
      ),
    ),
  );
}

function drawCell(cell, name, column, use, directory) {
  const classes = [column?.align && `align-${column.align}`, column?.is_wrapped && "wrapped"].filter(Boolean).join(" ");
  const content = cell?.type === "rich_text" ? richText(cell, use, directory) : String(cell?.text ?? cell?.value ?? "");
  return el(name, { class: classes || null, scope: name === "th" && "col" }, content);
}
