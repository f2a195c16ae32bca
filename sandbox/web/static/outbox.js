/** The outbox of the local CertCentral: every DCV email, with a button to approve it. */

import { ago, exactly } from "./dates.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";

const LANGUAGES = new Intl.DisplayNames(["en"], { type: "language" });

export class Outbox {
  #store;
  #actions;

  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    this.node = el("div", { class: "panel", tabindex: "0" });
  }

  /** Return the number of emails that are not approved yet. */
  get waiting() {
    return this.#store.all("mail/").filter(({ approved }) => !approved).length;
  }

  draw() {
    const mails = this.#store.all("mail/").sort((a, b) => b.id - a.id);
    const none = el(
      "p",
      { class: "nothing" },
      icon("mail"),
      "No emails yet. Emails sent by the bot appear here. Select Approve to act as the recipient.",
    );
    fill(
      this.node,
      mails.length
        ? el(
            "ul",
            { class: "mails" },
            mails.map((mail) => this.#row(mail)),
          )
        : none,
    );
  }

  #row({ id, to, scope, language, order, domain, sent, approved }) {
    const subject = order ? `order ${order}` : `domain ${domain}`;
    const about = `${subject} · ${LANGUAGES.of(language.replace("_", "-"))} · `;
    const button = el(
      "button",
      {
        type: "button",
        class: "button button-small button-primary",
        "aria-label": `Approve the email for ${scope} to ${to}`,
        onclick: () => this.#actions.act("approve", { mail: id }),
      },
      "Approve",
    );
    const done = el("p", { class: "approved" }, icon("check"), "Approved");
    return el(
      "li",
      { class: "mail" },
      el("p", {}, el("strong", {}, to)),
      el("p", { class: "mail-subject" }, "Approve ", el("b", {}, scope)),
      el("p", { class: "mail-about" }, about, el("time", { title: exactly(sent) }, ago(sent))),
      approved ? done : button,
    );
  }
}
