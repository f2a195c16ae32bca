/** The placement of popovers beside their anchor, within the window. */

const GAP = 4;
const EDGE = 8;

/** Place a popover below the anchor, with the same width, or above if there is more room. */
export function floatBelow(popover, anchor) {
  const box = anchor.getBoundingClientRect();
  popover.style.width = `${box.width}px`;
  place(popover, box, box.left, 320);
}

/** Place a popover with its own width, its right edge at that of the anchor. */
export function floatAtEnd(popover, anchor) {
  const box = anchor.getBoundingClientRect();
  place(popover, box, Math.max(EDGE, box.right - popover.offsetWidth), 560);
}

function place(popover, box, left, tallest) {
  const below = innerHeight - box.bottom - GAP - EDGE;
  const above = box.top - GAP - EDGE;
  // Above only if it does not fit below and there is more room above.
  const goesUp = below < Math.min(popover.scrollHeight, tallest) && above > below;
  popover.style.left = `${Math.min(left, innerWidth - popover.offsetWidth - EDGE)}px`;
  popover.style.maxHeight = `${Math.max(120, Math.min(goesUp ? above : below, tallest))}px`;
  popover.style.top = goesUp ? "auto" : `${box.bottom + GAP}px`;
  popover.style.bottom = goesUp ? `${innerHeight - box.top + GAP}px` : "auto";
}
