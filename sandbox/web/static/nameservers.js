/** The local DNS: its records, which the user publishes by hand, and the faults of its name servers. */

import { el, fill } from "./dom.js";

export class NameServers {
  #store;
  #actions;
  #form;
  #body;

  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    this.#form = this.#makeForm();
    this.#body = el("div");
    this.node = el("div", { class: "panel", tabindex: "0" }, this.#form, this.#body);
  }

  draw() {
    const state = this.#store.get("dns");
    if (!state) return;
    fill(
      this.#body,
      el("h3", { class: "tools-heading" }, "Records"),
      el(
        "ul",
        { class: "things" },
        state.records.map((record) => this.#record(record)),
      ),
      el("h3", { class: "tools-heading" }, "Name servers"),
      el(
        "ul",
        { class: "things" },
        state.servers.map((server) => this.#server(server, state.faults)),
      ),
      el("h3", { class: "tools-heading" }, "DNSSEC"),
      el(
        "ul",
        { class: "things" },
        state.zones.map((zone) => this.#zone(zone)),
      ),
    );
  }

  #makeForm() {
    const name = el("input", { class: "text-input", "aria-label": "Name of the record", placeholder: "shop.example.com" });
    const types = ["TXT", "CNAME", "MX", "CAA", "A"].map((type) => el("option", {}, type));
    const type = el("select", { class: "text-input", "aria-label": "Type of the record" }, types);
    const value = el("input", { class: "text-input", "aria-label": "Value of the record", placeholder: "Value" });
    const onsubmit = async (event) => {
      event.preventDefault();
      const record = { name: name.value, type: type.value, value: value.value };
      if (await this.#actions.act("publish_record", record)) value.value = "";
    };
    const publish = el("button", { type: "submit", class: "button button-small button-primary" }, "Publish");
    return el("form", { class: "dns-form", "aria-label": "Publish a record", onsubmit }, name, type, value, publish);
  }

  #record({ name, type, value }) {
    const remove = el(
      "button",
      {
        type: "button",
        class: "button button-small",
        "aria-label": `Remove the ${type} record of ${name}`,
        onclick: () => this.#actions.act("remove_record", { name, type, value }),
      },
      "Remove",
    );
    return el(
      "li",
      { class: "thing" },
      el("p", { class: "thing-head" }, el("strong", { title: name }, name), el("span", {}, type)),
      el("p", { class: "thing-about" }, value),
      remove,
    );
  }

  #server({ name, fault }, faults) {
    const onchange = (event) => this.#actions.act("fail_server", { server: name, fault: event.target.value });
    const options = faults.map((each) => el("option", { value: each, selected: each === fault }, each));
    return el(
      "li",
      { class: "thing" },
      el("p", { class: "thing-head" }, el("strong", {}, name)),
      el("select", { class: "text-input", "aria-label": `Fault of ${name}`, onchange }, options),
    );
  }

  #zone({ name, broken }) {
    const onchange = (event) => this.#actions.act("break_dnssec", { zone: name, broken: event.target.checked });
    const box = el("input", { type: "checkbox", checked: broken, onchange });
    return el("li", { class: "thing" }, el("label", {}, box, ` Break the signatures of ${name}`));
  }
}
