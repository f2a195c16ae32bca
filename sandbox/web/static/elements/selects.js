/** Selects of every kind: what they offer, and how a choice becomes what Slack wants to hear. */

import { combobox } from "./combobox.js";

const STATE = {
  static_select: "selected_option",
  external_select: "selected_option",
  users_select: "selected_user",
  conversations_select: "selected_conversation",
  channels_select: "selected_channel",
};
const QUERY_LENGTH = 3;

export function select(element, place, use, world, about) {
  const isMulti = element.type.startsWith("multi_");
  const kind = element.type.replace("multi_", "");
  const state = use.value(place)?.[isMulti ? `${STATE[kind]}s` : STATE[kind]];
  const chosen = [state ?? []].flat().map((item) => choiceOf(item, kind, world));
  const wanted = (choices) => (isMulti ? choices.map(itemOf) : choices.length ? itemOf(choices[0]) : null);
  return combobox({
    about,
    place,
    isMulti,
    chosen,
    placeholder: element.placeholder?.text ?? (isMulti ? "Select options" : "Select an option"),
    most: element.max_selected_items ?? Infinity,
    least: kind === "external_select" ? (element.min_query_length ?? QUERY_LENGTH) : 0,
    canClear: use.canClear(place),
    find: kind === "external_select" ? searching(place, use) : among(offered(element, kind, world)),
    choose: (choices) => use.choose(place, wanted(choices)),
  });
}

/** What the app finds; null where it did not answer. */
function searching(place, use) {
  return async (text) => {
    const options = await use.search(place, text);
    return options && options.map(found);
  };
}

function found({ text: label, description, value }) {
  return { label, about: description, item: { value, text: { type: "plain_text", text: label, emoji: true } } };
}

function among(choices) {
  return async (text) => {
    const wanted = text.trim().toLowerCase();
    return choices.filter(({ label }) => label.toLowerCase().includes(wanted));
  };
}

function offered(element, kind, world) {
  if (kind === "users_select") return world.people().map(({ id }) => choiceOf(id, kind, world));
  if (kind !== "static_select") return world.channels().map(({ id }) => choiceOf(id, kind, world));
  const grouped = (element.option_groups ?? []).flatMap(({ label, options }) =>
    options.map((option) => ({ ...choiceOf(option, kind, world), group: label?.text })),
  );
  return [...(element.options ?? []).map((option) => choiceOf(option, kind, world)), ...grouped];
}

function choiceOf(item, kind, world) {
  if (typeof item === "object") return { label: item.text.text, about: item.description?.text, item };
  if (kind === "users_select") return { label: world.person(item)?.name ?? item, item };
  return { label: `#${world.channel(item)?.name ?? item}`, item };
}

function itemOf({ item }) {
  return item;
}
