/** The modal in front: drawn as the app said, filled in as the person did, told to the app as Slack tells it. */

import { drawBlocks } from "./blocks/blocks.js";
import { words } from "./blocks/texts.js";
import { closeDialog, openDialog } from "./dialogs.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { blockIds } from "./uses.js";

const TROUBLE = "We had some trouble connecting. Try again?";
const TITLE_ID = "modal-title";

export class Modal {
  #actions;
  #world;
  #appName;
  #dialog = null;
  #view = null;
  #drafts = new Map();
  #filling = Promise.resolve();
  #errors = {};
  #trouble = "";
  #isSending = false;

  constructor(actions, world, appName) {
    this.#actions = actions;
    this.#world = world;
    this.#appName = appName;
  }

  /** Show this view; none closes the modal. */
  show(view) {
    if (!view) {
      if (this.#dialog) closeDialog(this.#dialog);
      this.#dialog = this.#view = null;
      return;
    }
    if (view.id !== this.#view?.id) this.#forget();
    this.#view = view;
    this.#errors = {};
    this.#draw();
  }

  #forget() {
    this.#drafts.clear();
    this.#trouble = "";
    this.#isSending = false;
  }

  #draw() {
    const before = this.#dialog && whereIsFocus(this.#dialog);
    const scrolled = this.body?.scrollTop ?? 0;
    if (!this.#dialog) this.#dialog = openDialog({ classes: "modal", labelledBy: TITLE_ID, onClose: () => this.#close() });
    const form = el("form", { class: "modal-form", novalidate: true, onsubmit: (event) => this.#submit(event) }, this.#head(), this.#body(), this.#foot());
    fill(this.#dialog, form);
    this.body.scrollTop = scrolled;
    giveFocus(this.#dialog, before);
  }

  #head() {
    const { title, depth } = this.#view;
    const back = depth > 1 && el("button", { type: "button", class: "plain", "aria-label": "Back", title: "Back", onclick: () => this.#close() }, icon("back"));
    const close = el("button", { type: "button", class: "plain", "aria-label": "Close", title: "Close", onclick: () => this.#close(true) }, icon("close"));
    const face = el("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 });
    return el("header", { class: "modal-head" }, back || face, el("h2", { id: TITLE_ID, class: "modal-title" }, words(title, this.#world)), close);
  }

  #body() {
    this.body = el("div", { class: "modal-body", tabindex: "0", role: "region", "aria-label": "Form" }, drawBlocks(this.#view.blocks, this.#use(), this.#world));
    return this.body;
  }

  #foot() {
    const { submit, close } = this.#view;
    const cancel = el("button", { type: "button", class: "button", onclick: () => this.#close() }, close ? words(close, this.#world) : "Cancel");
    const send = submit && el("button", { type: "submit", class: "button button-primary-filled", "aria-busy": this.#isSending && "true" }, words(submit, this.#world));
    const trouble = el("p", { class: "modal-trouble", role: "alert" }, this.#trouble && [icon("alert"), this.#trouble]);
    return el("footer", { class: "modal-foot" }, trouble, el("div", { class: "dialog-buttons" }, cancel, send));
  }

  #use() {
    const at = { view: this.#view.id };
    const state = ({ block_id: block, action_id: action }) => this.#view.values[block]?.[action];
    const told = async (name, body) => this.#hear(await this.#actions.act(name, { ...at, ...body }));
    return {
      idOf: blockIds(),
      error: (blockId) => this.#errors[blockId] ?? null,
      value: state,
      typed: (place) => this.#drafts.get(keyOf(place)) ?? state(place)?.value ?? "",
      canClear: ({ block_id: id }) => this.#view.blocks.some((block) => block.block_id === id && block.optional),
      press: (place, option) => told("press", { ...place, option: option?.text.text }),
      choose: (place, wanted) => {
        this.#keep(place, wanted);
        return told("choose", { ...place, wanted });
      },
      search: async (place, text) => (await this.#actions.act("search", { ...at, ...place, text }))?.options ?? null,
      fill: (place, text) => this.#type(place, text),
      enter: async (place) => {
        await this.#filling;
        return told("enter", place);
      },
    };
  }

  /** Remember a choice, so that it stays when only errors are drawn. */
  #keep({ block_id: block, action_id: action }, wanted) {
    const state = this.#view.values[block]?.[action];
    const name = state && Object.keys(state).find((key) => key !== "type");
    if (name) state[name] = wanted;
  }

  #type(place, text) {
    this.#drafts.set(keyOf(place), text);
    const at = { view: this.#view.id, ...place, text };
    this.#filling = this.#filling.then(() => this.#actions.act("fill", at));
  }

  #hear(answer) {
    const trouble = answer && answer.acked === false ? TROUBLE : "";
    if (trouble === this.#trouble || !this.#view) return;
    this.#trouble = trouble;
    this.#draw();
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#isSending || !this.#view.submit) return;
    const { id, hash } = this.#view;
    this.#isSending = true;
    this.#trouble = "";
    this.#draw();
    await this.#filling;
    const answer = await this.#actions.act("submit", { view: id });
    if (this.#view?.id !== id) return;
    this.#isSending = false;
    if (this.#view.hash === hash) this.#errors = answer?.errors ?? {};
    this.#trouble = answer?.acked === false ? TROUBLE : "";
    this.#draw();
    this.#dialog?.querySelector("[aria-invalid=true]")?.focus();
  }

  #close(everything = false) {
    if (this.#view) this.#actions.act("close", { view: this.#view.id, everything });
  }
}

function keyOf({ block_id: block, action_id: action }) {
  return `${block}/${action}`;
}

function whereIsFocus(dialog) {
  const focused = document.activeElement;
  if (!dialog.contains(focused)) return null;
  const { blockId, actionId, block_id: block = blockId, action_id: action = actionId } = focused.dataset;
  const range = "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
  return { place: block && { block, action }, type: focused.type, label: focused.getAttribute("aria-label"), range };
}

function giveFocus(dialog, before) {
  const controls = [...dialog.querySelectorAll("input, textarea, button, a")];
  const same = before && controls.find((each) => (before.place ? isAt(each, before.place) : before.label ? each.getAttribute("aria-label") === before.label : before.type === "submit" && each.type === "submit"));
  const first = dialog.querySelector(".modal-body :is(input, textarea, select):not([type=hidden])") ?? dialog.querySelector(".modal-foot button");
  (same ?? first)?.focus();
  if (same && before.range?.[0] !== null && before.range && same.setSelectionRange && /text|textarea|search|url/.test(same.type)) same.setSelectionRange(...before.range);
}

function isAt(control, { block, action }) {
  return control.dataset.block_id === block && control.dataset.action_id === action;
}
