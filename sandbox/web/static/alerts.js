/** The menu that posts alerts as other apps. */

import { avatar } from "./avatars.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { menuButton } from "./menu.js";

/** Draw the menu. `post(name)` posts an alert. */
export function drawAlerts(node, alerts, post) {
  const items = () => [
    { heading: "Post to #cert-alerts as" },
    ...alerts.map(({ name, app, about }) => ({
      label: app,
      about,
      mark: avatar(app, { app: true }),
      act: () => post(name),
    })),
  ];
  const face = [icon("bell"), el("span", { class: "top-words" }, "Post an alert"), icon("caret")];
  fill(node, menuButton({ label: "Post an alert", face, classes: "top-button", items }));
}
