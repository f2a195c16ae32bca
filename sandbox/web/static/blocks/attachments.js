/** Attachments, the older way of apps to show things: a coloured bar, fields, buttons, and blocks of the newer kind. */

import { clock, day } from "../dates.js";
import { el } from "../dom.js";
import { withEmoji } from "../emoji.js";
import { isWeb, outsideLink } from "../links.js";
import { link, mrkdwn } from "../mrkdwn.js";
import { drawBlocks } from "./blocks.js";
import { picture } from "./images.js";

const COLOURS = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };
const HEX = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i;

export function drawAttachment(attachment, use, world) {
  const body = parts(attachment, use, world).filter(Boolean);
  const shown = body.length ? body : el("div", {}, mrkdwn(String(attachment.fallback ?? ""), world));
  const node = el("div", { class: "attachment" }, el("div", { class: "attachment-body" }, shown));
  node.style.setProperty("--bar", colour(attachment.color));
  if (attachment.pretext) return el("div", {}, el("div", {}, mrkdwn(String(attachment.pretext), world)), node);
  return node;
}

function colour(name) {
  const hex = HEX.exec(String(name ?? ""));
  return COLOURS[name] ?? (hex ? `#${hex[1]}` : "var(--bar-plain)");
}

function parts(attachment, use, world) {
  const { author_name: author, title, text, fields, actions, blocks, footer } = attachment;
  return [
    author && el("div", { class: "attachment-author" }, String(author)),
    title && el("div", { class: "attachment-title" }, heading(attachment, world)),
    text && el("div", {}, mrkdwn(String(text), world)),
    fields?.length > 0 &&
      el(
        "dl",
        { class: "attachment-fields" },
        fields.map((field) => drawField(field, world)),
      ),
    attachment.image_url && picture({ image_url: attachment.image_url, alt_text: attachment.fallback }, "full"),
    blocks?.length > 0 && drawBlocks(blocks, use, world),
    actions?.length > 0 && el("div", { class: "block actions" }, actions.map(drawAction)),
    (footer || attachment.ts) && el("div", { class: "attachment-footer" }, ending(attachment)),
  ];
}

function heading({ title, title_link: address }, world) {
  const words = withEmoji(String(title));
  return address ? link(String(address), words, world) : words;
}

function drawField({ title, value, short }, world) {
  return el(
    "div",
    { class: short ? "short" : null },
    el("dt", {}, withEmoji(String(title ?? ""))),
    el("dd", {}, mrkdwn(String(value ?? ""), world)),
  );
}

/** Buttons of the old kind belong to the other app; there is nobody here who would hear of them. */
function drawAction({ text, style, url }) {
  const label = withEmoji(String(text ?? ""));
  const classes = `button button-small${style === "primary" || style === "danger" ? ` button-${style}` : ""}`;
  if (isWeb(url)) return outsideLink(url, label, { class: classes });
  const away = { "aria-disabled": "true", title: "That app is not part of the sandbox" };
  return el("button", { type: "button", class: classes, ...away }, label);
}

function ending({ footer, ts }) {
  const when = Number(ts) > 0 ? `${day(ts)} at ${clock(ts)}` : null;
  return [footer && String(footer), when].filter(Boolean).join("  |  ");
}
