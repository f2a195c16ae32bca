/** The page's icons, as line drawings. A text beside each, or its button's label, names it. */

import { el, svg } from "./dom.js";

const LINES = {
  hash: "M4 7.500h13M3 12.500h13M8.500 3 6 17M14 3l-2.500 14",
  lock: "M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9",
  shared:
    "M8.500 6 11 3.500a3.500 3.500 0 0 1 5 5L13.500 11M11.500 14 9 16.500a3.500 3.500 0 0 1-5-5L6.500 9M7.500 12.500l5-5",
  caret: "m5 7.500 5 5 5-5",
  close: "m5 5 10 10M15 5 5 15",
  back: "M12 4 6 10l6 6",
  forward: "M8 4l6 6-6 6",
  plus: "M10 4v12M4 10h12",
  home: "M3 10 10 4l7 6M5 8.5V16h10V8.5M8.5 16v-4h3v4",
  more: "M10 4.500v.01M10 10v.01M10 15.500v.01",
  dots: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  reply:
    "M4 5.500A1.500 1.500 0 0 1 5.500 4h9A1.500 1.500 0 0 1 16 5.500v6a1.500 1.500 0 0 1-1.500 1.500H9l-3.500 3v-3A1.500 1.500 0 0 1 4 11.500z",
  send: "m4 16 13-6L4 4l1.500 5L12 10l-6.500 1z",
  eye: "M2.500 10S5.500 5 10 5s7.500 5 7.500 5-3 5-7.500 5-7.500-5-7.500-5zM10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  bell: "M5 14V9a5 5 0 0 1 10 0v5l1.500 1.500h-13zM8.500 17.500h3",
  mail: "M3 5h14v10H3zM3.500 5.500 10 11l6.500-5.500",
  list: "M7 5.500h10M7 10h10M7 14.500h10M3 5.500v.01M3 10v.01M3 14.500v.01",
  wire: "M3 7h12l-3-3M17 13H5l3 3",
  check: "m4.500 10.500 3.500 3.500 7.500-8",
  alert: "M10 3 18 17H2zM10 8v4M10 14.500v.01",
  bolt: "M11 2.500 4.500 11.500H10L9 17.500l6.500-9H10z",
};

/** Return an icon of 20 by 20 that is hidden from screen readers. */
export function icon(name) {
  const path = svg("path", { d: LINES[name] });
  return svg(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" },
    path,
  );
}

/** Return a button with only an icon. `label` is its name for screen readers. */
export function iconButton(name, label, onclick, classes = "plain") {
  return el("button", { type: "button", class: classes, "aria-label": label, title: label, onclick }, icon(name));
}
