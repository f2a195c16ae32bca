/** The question that an app may want asked before a button counts. */

import { words } from "./blocks/textobjects.js";
import { closeDialog, openDialog } from "./dialogs.js";
import { el, freshId } from "./dom.js";

/** Ask, and return whether the person agrees; at once where there is nothing to ask. */
export function confirmed(question, world) {
  if (!question) return Promise.resolve(true);
  return new Promise((resolve) => {
    const title = freshId("question");
    const answer = (agrees) => {
      closeDialog(dialog);
      resolve(agrees);
    };
    const button = (text, kind, agrees) =>
      el("button", { type: "button", class: `button ${kind}`, onclick: () => answer(agrees) }, text);
    const content = [
      el("h2", { id: title, class: "dialog-title" }, words(question.title, world)),
      el("div", { class: "confirm-text" }, words(question.text, world)),
      el(
        "div",
        { class: "dialog-buttons" },
        button(question.deny?.text ?? "Cancel", "", false),
        button(
          question.confirm?.text ?? "Yes",
          question.style === "danger" ? "button-danger-filled" : "button-primary-filled",
          true,
        ),
      ),
    ];
    const dialog = openDialog({ classes: "confirm", labelledBy: title, content, onClose: () => answer(false) });
  });
}
