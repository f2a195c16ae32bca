/** Text inputs of one line and of several, for words, addresses and numbers. */

import { el } from "../dom.js";

const TYPES = { email_text_input: "email", url_text_input: "url" };
const LONGEST = 3000;
const ROOM_LEFT = 40;

export function textInput(element, place, use, _world, about) {
  const longest = element.max_length ?? LONGEST;
  const count = el("span", { class: "room-left", "aria-live": "polite" });
  const control = el(element.multiline ? "textarea" : "input", {
    id: about.id,
    class: "text-input",
    type: !element.multiline && (TYPES[element.type] ?? "text"),
    inputmode: element.type === "number_input" && (element.is_decimal_allowed ? "decimal" : "numeric"),
    rows: element.multiline && 4,
    maxlength: longest,
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
  const tellRoom = () => {
    const left = longest - control.value.length;
    count.textContent = left <= ROOM_LEFT ? String(left) : "";
  };
  control.addEventListener("input", () => {
    tellRoom();
    use.fill(place, control.value);
  });
  control.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || element.multiline || event.isComposing) return;
    event.preventDefault();
    use.enter(place);
  });
  tellRoom();
  return el("div", { class: "text-field" }, control, count);
}
