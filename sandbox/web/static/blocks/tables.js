/** Tables. */

import { el } from "../dom.js";
import { withEmoji } from "../emoji.js";
import { richText } from "./richtext.js";

export function table(block, use, directory) {
  const columns = block.column_settings ?? [];
  const [head, ...rows] = block.rows ?? [];
  const cells = (row, name) =>
    row.map((cell, index) => {
      const { align, is_wrapped: isWrapped } = columns[index] ?? {};
      const classes = [align && `align-${align}`, isWrapped && "wrapped"].filter(Boolean).join(" ");
      return el(name, { class: classes || null, scope: name === "th" && "col" }, cellContent(cell, use, directory));
    });
  return el(
    "div",
    { class: "block table", tabindex: "0", role: "region", "aria-label": "Table" },
    el(
      "table",
      {},
      head && el("thead", {}, el("tr", {}, cells(head, "th"))),
      el(
        "tbody",
        {},
        rows.map((row) => el("tr", {}, cells(row, "td"))),
      ),
    ),
  );
}

/** Return the nodes of a cell. */
export function cellContent(cell, use, directory) {
  if (cell?.type === "rich_text") return richText(cell, use, directory);
  return withEmoji(String(cell?.text ?? cell?.value ?? ""));
}
