/** Radio buttons and checkboxes. */

import { drawText } from "../blocks/textobjects.js";
import { el, freshId } from "../dom.js";

export function radioButtons(element, place, use, directory, about) {
  const chosen = (use.value(place)?.selected_option ?? element.initial_option)?.value;
  const pick = (option) => use.choose(place, option);
  return group("radio", element, place, about, directory, (option) => option.value === chosen, pick);
}

export function checkboxes(element, place, use, directory, about) {
  const chosen = new Map((use.value(place)?.selected_options ?? element.initial_options ?? []).map((option) => [option.value, option]));
  const pick = (option, isOn) => {
    if (isOn) chosen.set(option.value, option);
    else chosen.delete(option.value);
    return use.choose(
      place,
      (element.options ?? []).filter(({ value }) => chosen.has(value)),
    );
  };
  return group("checkbox", element, place, about, directory, (option) => chosen.has(option.value), pick);
}

function group(type, element, place, about, directory, isChosen, pick) {
  const name = freshId("choice");
  const role = type === "radio" ? "radiogroup" : "group";
  const boxes = (element.options ?? []).map((option) => {
    const box = el("input", {
      type,
      name,
      checked: isChosen(option),
      data: { ...place, value: option.value },
      onchange: (event) => pick(option, event.target.checked),
    });
    const description = option.description && el("span", { class: "choice-about" }, drawText(option.description, directory));
    return el("label", { class: "choice" }, box, el("span", {}, drawText(option.text, directory), description));
  });
  const label = about.labelledBy ? {} : { "aria-label": type === "radio" ? "Choose one" : "Choose" };
  return el(
    "div",
    { class: "choices", role, "aria-labelledby": about.labelledBy, "aria-describedby": about.describedBy, ...label },
    boxes,
  );
}
