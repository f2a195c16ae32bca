/** The Home tab of the app, as the app last published it for the current user. */

import { drawBlocks } from "./blocks/blocks.js";
import { el, fill } from "./dom.js";
import { describeFocus, restoreFocus } from "./focus.js";
import { homeUse } from "./uses.js";

export class Home {
  #host;

  /** `host` has directory, actions and appName. */
  constructor(host) {
    this.#host = host;
    this.node = el("div", { class: "home", tabindex: "0" });
  }

  /** Draw a home view: {id, blocks, values}. Without one, say that the app published none. */
  draw(view) {
    const { directory, actions, appName } = this.#host;
    const focused = describeFocus(this.node);
    const scrolled = this.node.scrollTop;
    const blocks = view
      ? drawBlocks(view.blocks, homeUse(view, actions), directory)
      : el("p", { class: "nothing" }, `${appName} has published nothing here yet.`);
    fill(this.node, el("div", { class: "home-blocks" }, blocks));
    this.node.scrollTop = scrolled;
    restoreFocus(this.node, focused);
  }
}
