/** The switch between users. */

import { avatar } from "./avatars.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { menuButton } from "./menu.js";

/** Draw the switch. `choose(id)` is called for another user. */
export function drawPeople(node, personas, who, choose) {
  const me = personas.find(({ id }) => id === who);
  const items = () => [
    { heading: "You are" },
    ...personas.map(({ id, name, about }) => ({
      label: name,
      about,
      mark: avatar(name),
      checked: id === who,
      act: () => choose(id),
    })),
  ];
  const face = [
    avatar(me.name),
    el(
      "span",
      { class: "who" },
      el("span", { class: "who-name" }, me.name),
      el("span", { class: "who-about" }, me.about),
    ),
    icon("caret"),
  ];
  fill(
    node,
    menuButton({
      label: `You are ${me.name}, ${me.about}. Switch user`,
      face,
      classes: "top-button people-button",
      items,
    }),
  );
}
