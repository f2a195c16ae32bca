/** Keeping the focus where it was while what is shown is drawn anew. */

const CONTROLS = "input, textarea, button, a";

/** What has the focus within `node`, in terms that outlive the drawing; null when nothing has. */
export function whereIsFocus(node) {
  const focused = document.activeElement;
  if (!node.contains(focused)) return null;
  const { block_id: block, action_id: action } = focused.dataset;
  const range = "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
  return { block, action, range, type: focused.type, label: nameOf(focused) };
}

/** Give the focus to the control that stands for the one before; false when there is none. */
export function restoreFocus(node, before) {
  const same = before && [...node.querySelectorAll(CONTROLS)].find((control) => isSame(control, before));
  if (!same) return false;
  same.focus();
  const [start, end] = before.range ?? [];
  if (Number.isInteger(start) && Number.isInteger(same.selectionStart)) same.setSelectionRange(start, end);
  return true;
}

function isSame(control, { block, action, type, label }) {
  if (block) return control.dataset.block_id === block && control.dataset.action_id === action;
  return control.type === type && nameOf(control) === label;
}

function nameOf(control) {
  return control.getAttribute("aria-label") ?? control.textContent;
}
