/** A dialog in front of everything: what lies behind cannot be reached, Escape asks to close. */

import { el } from "./dom.js";

/** Open a dialog; `onClose` hears that a person wants it closed, and decides. */
export function openDialog({ classes, labelledBy, content, onClose }) {
  const dialog = el("dialog", { class: `dialog ${classes}`, "aria-labelledby": labelledBy }, content);
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    onClose();
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    onClose();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Close it and give the focus back to where it was. */
export function closeDialog(dialog) {
  dialog.close();
  dialog.remove();
}
