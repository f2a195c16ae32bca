/** Modal dialogs. The rest of the page is inert, and Escape asks to close. */

import { el } from "./dom.js";

/** Open a dialog. `onClose` is called if the user wants to close it, and decides. */
export function openDialog({ classes, labelledBy, content, onClose }) {
  const dialog = el("dialog", { class: `dialog ${classes}`, "aria-labelledby": labelledBy }, content);
  dialog.addEventListener("keydown", (event) => {
    // An open menu or list handles Escape first.
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

/** Close a dialog and return the focus to its previous place. */
export function closeDialog(dialog) {
  dialog.close();
  dialog.remove();
}
