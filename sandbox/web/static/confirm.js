/** The confirmation that an app may require before an action. */

import { drawText } from "./blocks/textobjects.js";
import { closeDialog, openDialog } from "./dialogs.js";
import { el, freshId } from "./dom.js";

/** Ask, and resolve to whether the user agrees. Resolves to true at once without a question. */
export function confirmed(question, directory) {
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
      el("h2", { id: title, class: "dialog-title" }, drawText(question.title, directory)),
      el("div", { class: "confirm-text" }, drawText(question.text, directory)),
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
