/** Selects of every kind: their options, and the value that Slack expects for a choice. */

import { combobox } from "./combobox.js";

const STATE = {
  static_select: "selected_option",
  external_select: "selected_option",
  users_select: "selected_user",
  conversations_select: "selected_conversation",
  channels_select: "selected_channel",
};
const QUERY_LENGTH = 3;

export function select(element, place, use, directory, about) {
  const isMulti = element.type.startsWith("multi_");
  const kind = element.type.replace("multi_", "");
  const state = use.value(place)?.[isMulti ? `${STATE[kind]}s` : STATE[kind]];
  const chosen = [state ?? []].flat().map((item) => choiceOf(item, kind, directory));
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
    find: kind === "external_select" ? searching(place, use) : among(offered(element, kind, directory)),
    choose: (choices) => use.choose(place, wanted(choices)),
  });
}

/** Return a function that searches through the app. It returns null without an answer. */
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

function offered(element, kind, directory) {
  if (kind === "users_select") return directory.people().map(({ id }) => choiceOf(id, kind, directory));
  if (kind !== "static_select") return directory.channels().map(({ id }) => choiceOf(id, kind, directory));
  const grouped = (element.option_groups ?? []).flatMap(({ label, options }) =>
    options.map((option) => ({ ...choiceOf(option, kind, directory), group: label?.text })),
  );
  return [...(element.options ?? []).map((option) => choiceOf(option, kind, directory)), ...grouped];
}

function choiceOf(item, kind, directory) {
  if (typeof item === "object") return { label: item.text.text, about: item.description?.text, item };
  if (kind === "users_select") return { label: directory.person(item)?.name ?? item, item };
  return { label: `#${directory.channel(item)?.name ?? item}`, item };
}

function itemOf({ item }) {
  return item;
}
