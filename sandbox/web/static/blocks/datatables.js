/** Data tables: a caption, pages, and columns that the viewer sorts. */

import { el, fill } from "../dom.js";
import { icon, iconButton } from "../icons.js";
import { cellContent } from "./tables.js";

const PAGE_SIZE = 5;
const NEXT_ORDER = { none: "ascending", ascending: "descending", descending: "none" };

export function dataTable(block, use, directory) {
  return new DataTable(block, (cell) => cellContent(cell, use, directory)).node;
}

class DataTable {
  #rows;
  #head;
  #size;
  #rowHeader;
  #drawCell;
  #sorted = { column: 0, order: "none" };
  #page = 0;

  constructor(block, drawCell) {
    [this.#head, ...this.#rows] = block.rows ?? [];
    this.#size = block.page_size ?? PAGE_SIZE;
    this.#rowHeader = block.row_header_column_index ?? 0;
    this.#drawCell = drawCell;
    this.caption = String(block.caption ?? "");
    this.table = el("table");
    this.pager = el("div", { class: "pager" });
    this.node = el(
      "div",
      { class: "block data-table" },
      el("div", { class: "table", tabindex: "0", role: "region", "aria-label": this.caption }, this.table),
      this.pager,
    );
    this.#draw();
  }

  get #pages() {
    return Math.max(1, Math.ceil(this.#rows.length / this.#size));
  }

  #draw() {
    const first = this.#page * this.#size;
    const shown = this.#inOrder().slice(first, first + this.#size);
    fill(
      this.table,
      el("caption", {}, this.caption),
      el("thead", {}, el("tr", {}, (this.#head ?? []).map((cell, index) => this.#columnHead(cell, index)))),
      el("tbody", {}, shown.map((row) => el("tr", {}, row.map((cell, index) => this.#cell(cell, index))))),
    );
    this.#drawPager(first + 1, first + shown.length);
  }

  #columnHead(cell, column) {
    const order = this.#orderOf(column);
    const sort = () => {
      this.#sorted = { column, order: NEXT_ORDER[order] };
      this.#page = 0;
      this.#draw();
      // The head was drawn again, so its button is a new one.
      this.table.querySelectorAll("th button")[column].focus();
    };
    const button = el("button", { type: "button", class: "sort", onclick: sort }, this.#drawCell(cell), icon("caret"));
    return el("th", { scope: "col", "aria-sort": order }, button);
  }

  #cell(cell, column) {
    if (column === this.#rowHeader) return el("th", { scope: "row" }, this.#drawCell(cell));
    return el("td", { class: cell.type === "raw_number" && "align-right" }, this.#drawCell(cell));
  }

  #orderOf(column) {
    return this.#sorted.column === column ? this.#sorted.order : "none";
  }

  #inOrder() {
    const { column, order } = this.#sorted;
    if (order === "none") return this.#rows;
    // As in Slack, one cell that is no number makes the whole column sort by its texts.
    const isNumeric = this.#rows.every((row) => row[column].type === "raw_number");
    const compare = isNumeric
      ? (a, b) => a[column].value - b[column].value
      : (a, b) => textOf(a[column]).localeCompare(textOf(b[column]));
    return [...this.#rows].sort(order === "ascending" ? compare : (a, b) => compare(b, a));
  }

  #drawPager(first, last) {
    if (this.#pages === 1) return;
    const turn = (label, step, sign) => {
      const target = this.#page + step;
      const go = () => {
        this.#page = target;
        this.#draw();
        const same = this.pager.querySelector(`[aria-label="${label}"]:enabled`);
        (same ?? this.pager.querySelector("button:enabled")).focus();
      };
      const button = iconButton(sign, label, go);
      button.disabled = target < 0 || target >= this.#pages;
      return button;
    };
    const range = el("span", { role: "status" }, `${first}–${last} of ${this.#rows.length}`);
    fill(this.pager, turn("Previous page", -1, "back"), range, turn("Next page", 1, "forward"));
  }
}

function textOf(cell) {
  if (cell.elements) return cell.elements.map(textOf).join("");
  return String(cell.text ?? cell.name ?? cell.fallback ?? "");
}
