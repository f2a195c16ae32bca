/** Text inputs with one or several lines, for text, addresses and numbers. */

import { el } from "../dom.js";

const TYPES = { email_text_input: "email", url_text_input: "url" };
const MAX_LENGTH = 3000;
const FEW_REMAINING = 40;

export function textInput(element, place, use, _world, about) {
  const maxLength = element.max_length ?? MAX_LENGTH;
  const count = el("span", { class: "room-left", "aria-live": "polite" });
  const control = el(element.multiline ? "textarea" : "input", {
    id: about.id,
    class: "text-input",
    type: !element.multiline && (TYPES[element.type] ?? "text"),
    inputmode: element.type === "number_input" && (element.is_decimal_allowed ? "decimal" : "numeric"),
    rows: element.multiline && 4,
    maxlength: maxLength,
    placeholder: element.placeholder?.text,
    autocomplete: "off",
    "aria-labelledby": about.labelledBy,
    "aria-describedby": about.describedBy,
    "aria-invalid": about.invalid && "true",
    "aria-required": about.required && "true",
    "aria-label": !about.labelledBy && (element.placeholder?.text ?? "Text"),
    data: place,
  });
  control.value = use.typed(place);
  const showRemaining = () => {
    const remaining = maxLength - control.value.length;
    count.textContent = remaining <= FEW_REMAINING ? String(remaining) : "";
  };
  control.addEventListener("input", () => {
    showRemaining();
    use.fill(place, control.value);
  });
  control.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || element.multiline || event.isComposing) return;
    event.preventDefault();
    use.enter(place);
  });
  showRemaining();
  return el("div", { class: "text-field" }, control, count);
}
