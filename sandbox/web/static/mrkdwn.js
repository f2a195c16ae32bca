/** Slack's mrkdwn as nodes. Text that is not markup stays as it was written. */

import { formatted, exactly } from "./dates.js";
import { el } from "./dom.js";
import { EMOJI, emoji } from "./emoji.js";
import { isOutside, isWeb, outsideLink } from "./links.js";

// Code blocks are cut out before anything else, since nothing inside them is markup.
const FENCE = /```\n?([\s\S]+?)\n?```/;
const LINK = /<((?:https?:|mailto:)[^<>|]*)\|?[^<>]*>/g;
// In order of precedence: references, code, bold, italic, strike, emoji, bare addresses.
const INLINE = new RegExp(
  [
    "<([^<>\\n]+)>",
    "`([^`\\n]+)`",
    styled("\\*"),
    styled("_"),
    styled("~"),
    EMOJI,
    "(https?:\\/\\/[^\\s<>|]*[^\\s<>|.,;:!?)\\]'\"])",
  ].join("|"),
  "gu",
);
const STYLES = ["strong", "em", "s"];
const BROADCASTS = new Set(["here", "channel", "everyone"]);
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/** Return the nodes of a text. `directory` looks up users and channels, and opens links to messages. */
export function mrkdwn(text, directory, { verbatim = false } = {}) {
  return text.split(FENCE).flatMap((piece, index) => {
    if (index % 2) return [el("pre", {}, decoded(piece.replace(LINK, "$1")))];
    return paragraphs(piece, directory, verbatim);
  });
}

/** Return a link to another site or to a part of this page, or only its text for any other address. */
export function link(address, words, directory) {
  const open = directory.opener(address);
  if (open) return el("button", { type: "button", class: "link", onclick: open }, words);
  return isOutside(address) ? outsideLink(address, words) : el("span", {}, words);
}

/** Return the text with entities decoded. */
export function decoded(text) {
  return text.replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);
}

/** Return the pattern of styled text: the marks touch the text inside, and no letter outside. */
function styled(mark) {
  const inner = `[^\\s${mark}]`;
  const outer = `[\\p{L}\\p{N}${mark}]`;
  // The lookarounds take no characters, so that adjacent styles can share a space.
  return `(?<!${outer})${mark}(?=${inner})([^\\n]*?${inner}|${inner})${mark}(?!${outer})`;
}

function paragraphs(text, directory, verbatim) {
  const shown = [];
  for (const [isQuote, lines] of runs(text.split("\n"))) {
    const words = spread(lines, directory, verbatim);
    if (isQuote) shown.push(el("blockquote", {}, words));
    else shown.push(...(shown.length && !isBlock(shown.at(-1)) ? [el("br")] : []), ...words);
  }
  return shown;
}

function runs(lines) {
  const found = [];
  for (const line of lines) {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    const last = found.at(-1);
    if (last && last[0] === Boolean(quoted)) last[1].push(quoted ? quoted[1] : line);
    else found.push([Boolean(quoted), [quoted ? quoted[1] : line]]);
  }
  return found;
}

function spread(lines, directory, verbatim) {
  return lines.flatMap((line, index) => [...(index ? [el("br")] : []), ...inline(line, directory, verbatim)]);
}

function isBlock(node) {
  return node instanceof Element && ["PRE", "BLOCKQUOTE"].includes(node.tagName);
}

function inline(text, directory, verbatim) {
  const shown = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    shown.push(decoded(text.slice(end, match.index)), piece(match, directory, verbatim));
    end = match.index + match[0].length;
  }
  return [...shown, decoded(text.slice(end))].filter((node) => node !== "");
}

function piece(match, directory, verbatim) {
  const [whole, special, code, bold, italic, struck, emojiName, character, address] = match;
  if (special) return reference(special, directory) ?? decoded(whole);
  if (code) return el("code", {}, decoded(code));
  if (emojiName || character) return emoji(emojiName, character);
  if (address) return verbatim ? decoded(whole) : link(decoded(address), decoded(address), directory);
  const words = bold ?? italic ?? struck;
  return el(STYLES[[bold, italic, struck].findIndex((each) => each !== undefined)], {}, inline(words, directory, verbatim));
}

function reference(special, directory) {
  const [target, label] = halves(special);
  const id = target.slice(1);
  if (target.startsWith("@")) return mention(directory.person(id)?.name ?? label ?? id, directory.isMe(id));
  if (target.startsWith("#")) return channel(id, label, directory);
  if (target.startsWith("!")) return command(id, label, directory);
  const words = decoded(label ?? target.replace(/^mailto:/, ""));
  return isOutside(target) ? link(decoded(target), words, directory) : null;
}

function halves(special) {
  const bar = special.indexOf("|");
  return bar < 0 ? [special] : [special.slice(0, bar), special.slice(bar + 1)];
}

/** Return a mention of a user. */
export function mention(name, isMe = false) {
  return el("span", { class: isMe ? "mention mention-me" : "mention" }, `@${name}`);
}

/** Return a mention of a user group, by its handle. It is highlighted for its members. */
export function group(id, label, directory) {
  const known = directory.group(id);
  return mention(known?.handle ?? decoded(label ?? id).replace(/^@/, ""), known?.members.some((member) => directory.isMe(member)));
}

/** Return a link that opens a channel. */
export function channel(id, label, directory) {
  const known = directory.channel(id);
  if (!known) return el("span", { class: "mention" }, `#${decoded(label || id)}`);
  return el("button", { type: "button", class: "mention", onclick: () => directory.open(id) }, `#${known.name}`);
}

function command(words, label, directory) {
  const [name, ...rest] = words.split("^");
  if (name === "date") return date(rest, label);
  if (BROADCASTS.has(name)) return el("span", { class: "mention mention-me" }, `@${name}`);
  if (name === "subteam") return group(rest[0], label, directory);
  return el("span", { class: "mention" }, decoded(label ?? `@${name}`));
}

function date([seconds, format = "", address], label) {
  const words = formatted(seconds, format) ?? decoded(label ?? "");
  const shown = el("time", { title: exactly(seconds) }, words);
  return isWeb(address) ? outsideLink(address, shown) : shown;
}
