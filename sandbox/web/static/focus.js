/** The focus, restored after its control was drawn again. */

const CONTROLS = "input, textarea, button, a";

/** Return a description of the focused control in `node` that stays valid when it is drawn again, or null. */
export function describeFocus(node) {
  const focused = document.activeElement;
  if (!node.contains(focused)) return null;
  const { block_id: block, action_id: action, value } = focused.dataset;
  const range = "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
  return { block, action, value, range, type: focused.type, label: nameOf(focused) };
}

/** Focus the control that matches the description. Returns false if there is none. */
export function restoreFocus(node, before) {
  const same = before && [...node.querySelectorAll(CONTROLS)].find((control) => isSame(control, before));
  if (!same) return false;
  same.focus();
  const [start, end] = before.range ?? [];
  if (Number.isInteger(start) && Number.isInteger(same.selectionStart)) same.setSelectionRange(start, end);
  return true;
}

function isSame(control, { block, action, value, type, label }) {
  // Block ids and action ids are the same after a redraw. Nodes are not.
  if (block) {
    const { block_id: sameBlock, action_id: sameAction, value: sameValue } = control.dataset;
    return sameBlock === block && sameAction === action && sameValue === value;
  }
  return control.type === type && nameOf(control) === label;
}

function nameOf(control) {
  return control.getAttribute("aria-label") ?? control.textContent;
}
