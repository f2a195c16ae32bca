/** Rich text: sections, lists, quotes and code. */

import { formatted } from "../dates.js";
import { el } from "../dom.js";
import { emoji, withEmoji } from "../emoji.js";
import { channel, group, link, mention } from "../mrkdwn.js";
import { unknown } from "./unknown.js";

const PARTS = { rich_text_section: lines, rich_text_list: list, rich_text_preformatted: code, rich_text_quote: quote };
const STYLES = { code: "code", bold: "strong", italic: "em", strike: "s", underline: "u" };

export function richText(block, _use, directory) {
  return el(
    "div",
    { class: "block rich-text" },
    (block.elements ?? []).map((part) => drawPart(part, directory)),
  );
}

function drawPart(part, directory) {
  const draw = PARTS[part.type];
  return draw ? draw(part, directory) : unknown(part, "rich text");
}

function lines(part, directory) {
  return el("div", { class: "rich-section" }, inline(part, directory));
}

function list(part, directory) {
  const depth = Math.min(Number(part.indent ?? 0), 8);
  const name = part.style === "ordered" ? "ol" : "ul";
  const first = Number(part.offset ?? 0) + 1;
  const items = (part.elements ?? []).map((item) => el("li", {}, inline(item, directory)));
  return el(name, { class: `indent-${depth}`, start: name === "ol" && first > 1 && first }, items);
}

function code(part, directory) {
  return el("pre", {}, inline(part, directory));
}

function quote(part, directory) {
  return el("blockquote", {}, inline(part, directory));
}

function inline(part, directory) {
  return (part.elements ?? []).flatMap((node) => styled(leaf(node, directory), node.style));
}

function leaf(node, directory) {
  switch (node.type) {
    case "text":
      return broken(String(node.text ?? ""));
    case "link":
      return link(String(node.url), String(node.text ?? node.url), directory);
    case "user":
      return mention(directory.person(node.user_id)?.name ?? node.user_id, directory.isMe(node.user_id));
    case "usergroup":
      return group(String(node.usergroup_id), null, directory);
    case "channel":
      return channel(node.channel_id, null, directory);
    case "broadcast":
      return mention(String(node.range), true);
    case "emoji":
      return emoji(String(node.name));
    case "date":
      return formatted(node.timestamp, String(node.format)) ?? String(node.fallback ?? "");
    case "color":
      return String(node.value);
    default:
      return unknown(node, "text");
  }
}

function broken(text) {
  return text.split("\n").flatMap((line, index) => (index ? [el("br"), withEmoji(line)] : [withEmoji(line)]));
}

function styled(content, style = {}) {
  return Object.entries(STYLES).reduce(
    (inner, [name, tag]) => (style[name] ? [el(tag, {}, inner)] : inner),
    [content].flat(),
  );
}
