/** The modal in front: its content, the values that the user enters, and what is sent to the app. */

import { drawBlocks } from "./blocks/blocks.js";
import { drawText } from "./blocks/textobjects.js";
import { closeDialog, openDialog } from "./dialogs.js";
import { el, fill } from "./dom.js";
import { restoreFocus, describeFocus } from "./focus.js";
import { icon, iconButton } from "./icons.js";
import { blockIds } from "./uses.js";

const TROUBLE = "We had some trouble connecting. Try again?";
const TITLE_ID = "modal-title";
const FIELD = ".modal-body :is(input, textarea)";
const FIRST = `${FIELD}, .modal-body:not(:has(input, textarea)) ~ .modal-foot button`;

export class Modal {
  #actions;
  #directory;
  #appName;
  #dialog = null;
  #view = null;
  #drafts = new Map();
  #filling = Promise.resolve();
  #errors = {};
  #trouble = "";
  #isSending = false;

  constructor(actions, directory, appName) {
    this.#actions = actions;
    this.#directory = directory;
    this.#appName = appName;
  }

  /** Show this view, or close the modal without one. */
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
    const before = this.#dialog && describeFocus(this.#dialog);
    const hadField = Boolean(this.#dialog?.querySelector(FIELD));
    const scrolled = this.body?.scrollTop ?? 0;
    if (!this.#dialog)
      this.#dialog = openDialog({ classes: "modal", labelledBy: TITLE_ID, onClose: () => this.#close() });
    const about = { class: "modal-form", novalidate: true, onsubmit: (event) => this.#submit(event) };
    fill(this.#dialog, el("form", about, this.#head(), this.#body(), this.#foot()));
    this.body.scrollTop = scrolled;
    // The first field gets the focus also if a first view, without any, said that the app is loading.
    if ((!hadField && this.#focusField()) || restoreFocus(this.#dialog, before)) return;
    if (!this.#focusField()) this.#dialog.querySelector(FIRST)?.focus();
  }

  /** Focus the field that the app wants to have it, or the first one. Returns false if there is no field. */
  #focusField() {
    const wanted = this.#view.blocks.flatMap(({ block_id: id, element, accessory, elements }) =>
      [element, accessory, ...(elements ?? [])].filter((each) => each?.focus_on_load).map((each) => [id, each.action_id]),
    );
    const fields = [...this.#dialog.querySelectorAll(FIELD)].filter(({ type, checked, name }) => {
      // Of radio buttons, the chosen one has the focus.
      return type !== "radio" || checked || !this.#dialog.querySelector(`[name="${name}"]:checked`);
    });
    const isWanted = ({ dataset }) => wanted.some(([block, action]) => dataset.block_id === block && dataset.action_id === action);
    const field = fields.find(isWanted) ?? fields[0];
    field?.focus();
    return Boolean(field);
  }

  #head() {
    const { title, depth } = this.#view;
    const back = () => iconButton("back", "Back", () => this.#close());
    const face = () => el("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 });
    const name = el("h2", { id: TITLE_ID, class: "modal-title" }, drawText(title, this.#directory));
    const close = iconButton("close", "Close", () => this.#close(true));
    return el("header", { class: "modal-head" }, depth > 1 ? back() : face(), name, close);
  }

  #body() {
    const blocks = drawBlocks(this.#view.blocks, this.#use(), this.#directory);
    this.body = el("div", { class: "modal-body", tabindex: "0", role: "region", "aria-label": "Form" }, blocks);
    return this.body;
  }

  #foot() {
    const { submit, close } = this.#view;
    const cancelText = close ? drawText(close, this.#directory) : "Cancel";
    const cancel = el("button", { type: "button", class: "button", onclick: () => this.#close() }, cancelText);
    const busy = this.#isSending && "true";
    const about = { type: "submit", class: "button button-primary-filled", "aria-busy": busy };
    const send = submit && el("button", about, drawText(submit, this.#directory));
    const trouble = el("p", { class: "modal-trouble", role: "alert" }, this.#trouble && [icon("alert"), this.#trouble]);
    return el("footer", { class: "modal-foot" }, trouble, el("div", { class: "dialog-buttons" }, cancel, send));
  }

  #use() {
    const at = { view: this.#view.id };
    const state = ({ block_id: block, action_id: action }) => this.#view.values[block]?.[action];
    const send = async (name, body) => this.#showOutcome(await this.#actions.act(name, { ...at, ...body }));
    return {
      idOf: blockIds(),
      error: (blockId) => this.#errors[blockId] ?? null,
      value: state,
      typed: (place) => this.#drafts.get(keyOf(place)) ?? state(place)?.value ?? "",
      canClear: ({ block_id: id }) => this.#view.blocks.some((block) => block.block_id === id && block.optional),
      press: (place, option) => send("press", { ...place, option: option?.value }),
      choose: (place, wanted) => {
        this.#storeChoice(place, wanted);
        return send("choose", { ...place, wanted });
      },
      search: async (place, text) => (await this.#actions.act("search", { ...at, ...place, text }))?.options ?? null,
      fill: (place, text) => this.#type(place, text),
      enter: async (place) => {
        await this.#filling;
        return send("enter", place);
      },
    };
  }

  /** Store a choice locally, so that it stays if only errors are drawn. */
  #storeChoice({ block_id: block, action_id: action }, wanted) {
    const state = this.#view.values[block]?.[action];
    const name = state && Object.keys(state).find((key) => key !== "type");
    if (name) state[name] = wanted;
  }

  #type(place, text) {
    this.#drafts.set(keyOf(place), text);
    const at = { view: this.#view.id, ...place, text };
    // One request after another, so that the last text typed is also the last one stored.
    this.#filling = this.#filling.then(() => this.#actions.act("fill", at));
  }

  #showOutcome(answer) {
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
    // The text must arrive before the form is submitted.
    await this.#filling;
    const answer = await this.#actions.act("submit", { view: id });
    // The app may have replaced or closed the modal meanwhile.
    if (this.#view?.id !== id) return;
    this.#isSending = false;
    // Errors belong to the version of the view that was submitted.
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
