/** The orders and domains of the local CertCentral, with their pending names. */

import { ago, shortDay } from "./dates.js";
import { el, fill, pointAt } from "./dom.js";
import { icon } from "./icons.js";

const FEW = 4;
const METHODS = {
  email: "Email",
  "dns-txt-token": "DNS TXT",
  "dns-cname-token": "DNS CNAME",
  "http-token": "HTTP",
  "http-token-static": "HTTP",
};

export class Orders {
  #store;

  constructor(store) {
    this.#store = store;
    this.node = el("div", { class: "panel", tabindex: "0" });
  }

  draw() {
    const orders = this.#store.all("order/").sort((a, b) => a.id - b.id);
    const domains = this.#store.all("domain/").sort((a, b) => a.id - b.id);
    fill(
      this.node,
      el("h3", { class: "tools-heading" }, "Orders"),
      el("ul", { class: "things" }, orders.map(drawOrder)),
      el("h3", { class: "tools-heading" }, "Domains"),
      el("ul", { class: "things" }, domains.map(drawDomain)),
    );
  }

  /** Scroll to an order or a domain, by its element's id, and highlight it. */
  pointAt(id) {
    const row = document.getElementById(id);
    if (row) pointAt(row);
  }
}

function drawOrder({ id, product, status, method, created, names }) {
  const waits = names.filter((name) => name.waits).length;
  const shown = [...names].sort((a, b) => Number(b.waits) - Number(a.waits)).slice(0, FEW);
  const rest = names.length - shown.length;
  return el(
    "li",
    { class: "thing", id: `order-${id}` },
    el("p", { class: "thing-head" }, el("strong", {}, String(id)), pill(status.replaceAll("_", " "), toneOf(status))),
    el("p", { class: "thing-about" }, `${product} · ${METHODS[method] ?? method} · ${ago(created)}`),
    el(
      "ul",
      { class: "names" },
      shown.map(drawName),
      rest > 0 && el("li", { class: "names-rest" }, `+ ${rest} more, ${waits} pending in all`),
    ),
  );
}

function drawName({ name, waits }) {
  const state = el("span", { class: "unseen" }, waits ? ", pending" : ", validated");
  return el(
    "li",
    { class: waits ? "name-waits" : "name-done" },
    icon(waits ? "mail" : "check"),
    el("span", {}, name),
    state,
  );
}

function drawDomain({ id, name, active, pending, valid, until, method, scopes }) {
  const state = !active ? "inactive" : pending ? "pending" : valid ? "validated" : "expired";
  const about = [`${id} · ${METHODS[method] ?? method}`, until && !pending && `until ${shortDay(until)}`];
  return el(
    "li",
    { class: "thing", id: `domain-${id}` },
    el("p", { class: "thing-head" }, el("strong", { title: name }, name), pill(state, toneOf(state))),
    el("p", { class: "thing-about" }, about.filter(Boolean).join(" · ")),
    scopes.length > 0 &&
      el(
        "ul",
        { class: "names" },
        scopes.map((scope) => drawName({ name: scope, waits: false })),
      ),
  );
}

function toneOf(state) {
  return (
    { pending: "waits", reissue_pending: "waits", needs_approval: "held", issued: "done", validated: "done" }[state] ??
    "over"
  );
}

function pill(words, tone) {
  return el("span", { class: `pill pill-${tone}` }, words);
}
