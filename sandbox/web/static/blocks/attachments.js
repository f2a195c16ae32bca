/** Attachments, an older format: a color bar, fields and buttons, and sometimes blocks. */

import { clock, day } from "../dates.js";
import { el } from "../dom.js";
import { withEmoji } from "../emoji.js";
import { isWeb, outsideLink } from "../links.js";
import { link, mrkdwn } from "../mrkdwn.js";
import { drawBlocks } from "./blocks.js";
import { picture } from "./images.js";

const COLOURS = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };
// Only a plain hex color may reach the style.
const HEX = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i;

export function drawAttachment(attachment, use, directory) {
  const body = parts(attachment, use, directory).filter(Boolean);
  const shown = body.length ? body : el("div", {}, mrkdwn(String(attachment.fallback ?? ""), directory));
  const node = el("div", { class: "attachment" }, el("div", { class: "attachment-body" }, shown));
  node.style.setProperty("--bar", colour(attachment.color));
  if (attachment.pretext) return el("div", {}, el("div", {}, mrkdwn(String(attachment.pretext), directory)), node);
  return node;
}

function colour(name) {
  const hex = HEX.exec(String(name ?? ""));
  return COLOURS[name] ?? (hex ? `#${hex[1]}` : "var(--bar-plain)");
}

function parts(attachment, use, directory) {
  const { author_name: author, title, text, fields, actions, blocks, footer } = attachment;
  return [
    author && el("div", { class: "attachment-author" }, String(author)),
    title && el("div", { class: "attachment-title" }, heading(attachment, directory)),
    text && el("div", {}, mrkdwn(String(text), directory)),
    fields?.length > 0 &&
      el(
        "dl",
        { class: "attachment-fields" },
        fields.map((field) => drawField(field, directory)),
      ),
    attachment.image_url && picture({ image_url: attachment.image_url, alt_text: attachment.fallback }, "full"),
    blocks?.length > 0 && drawBlocks(blocks, use, directory),
    actions?.length > 0 && el("div", { class: "block actions" }, actions.map(drawAction)),
    (footer || attachment.ts) && el("div", { class: "attachment-footer" }, ending(attachment)),
  ];
}

function heading({ title, title_link: address }, directory) {
  const words = withEmoji(String(title));
  return address ? link(String(address), words, directory) : words;
}

function drawField({ title, value, short }, directory) {
  return el(
    "div",
    { class: short ? "short" : null },
    el("dt", {}, withEmoji(String(title ?? ""))),
    el("dd", {}, mrkdwn(String(value ?? ""), directory)),
  );
}

/** Draw a button of the old kind. It belongs to another app, so it does nothing here. */
function drawAction({ text, style, url }) {
  const label = withEmoji(String(text ?? ""));
  const classes = `button button-small${style === "primary" || style === "danger" ? ` button-${style}` : ""}`;
  if (isWeb(url)) return outsideLink(url, label, { class: classes });
  const away = { "aria-disabled": "true", title: "This app isn't part of the sandbox" };
  return el("button", { type: "button", class: classes, ...away }, label);
}

function ending({ footer, ts }) {
  const when = Number(ts) > 0 ? `${day(ts)} at ${clock(ts)}` : null;
  return [footer && String(footer), when].filter(Boolean).join("  |  ");
}
