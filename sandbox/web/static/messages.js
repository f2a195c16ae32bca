/** One message: author, time, content and tools. */

import { avatar } from "./avatars.js";
import { drawAttachment } from "./blocks/attachments.js";
import { drawBlocks } from "./blocks/blocks.js";
import { clock, exactly } from "./dates.js";
import { el } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { menuButton } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";
import { messageUse } from "./uses.js";

/** Draw a message. `host` has directory, actions, shortcuts() and openThread(message). `replies` are counted below it. */
export function drawMessage(message, host, { replies = [], inThread = false } = {}) {
  const { directory, actions } = host;
  const own = directory.isApp(message.by.bot);
  const use = messageUse(message, actions);
  return el(
    "li",
    { class: `message${message.only_you ? " only-you" : ""}`, data: { ts: message.ts } },
    message.only_you && el("div", { class: "message-note" }, icon("eye"), "Only visible to you"),
    message.broadcast && !inThread && el("div", { class: "message-note" }, icon("reply"), "replied to a thread"),
    avatar(nameOf(message, directory), { app: Boolean(message.by.bot), own }),
    el(
      "div",
      { class: "message-main" },
      head(message, directory),
      el("div", { class: "message-body" }, body(message, use, directory)),
      !inThread && replies.length > 0 && summary(message, replies, host),
    ),
    !message.only_you && tools(message, host, inThread),
  );
}

/** Return the name of a message's author. */
export function nameOf(message, directory) {
  return directory.person(message.by.user)?.name ?? message.by.name;
}

function head(message, directory) {
  return el(
    "div",
    { class: "message-head" },
    el("span", { class: "message-name" }, nameOf(message, directory)),
    message.by.bot && el("span", { class: "badge" }, "APP"),
    el("time", { class: "message-time", title: exactly(message.ts) }, clock(message.ts)),
  );
}

function body(message, use, directory) {
  const blocks = message.blocks.length
    ? drawBlocks(message.blocks, use, directory)
    : message.text && el("div", { class: "text" }, mrkdwn(message.text, directory));
  const edited = message.edited && el("span", { class: "edited" }, "(edited)");
  return [blocks, edited, message.attachments.map((attachment) => drawAttachment(attachment, use, directory))];
}

function summary(message, replies, { directory, openThread }) {
  const names = [...new Set(replies.map((reply) => nameOf(reply, directory)))].slice(0, 3);
  const faces = names.map((name) => {
    const reply = replies.find((each) => nameOf(each, directory) === name);
    return avatar(name, { app: Boolean(reply.by.bot), own: directory.isApp(reply.by.bot) });
  });
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  return el(
    "button",
    { type: "button", class: "replies", onclick: () => openThread(message) },
    el("span", { class: "replies-faces" }, faces),
    el("span", { class: "replies-count" }, count),
    el("span", { class: "replies-last" }, `Last reply ${clock(replies.at(-1).ts)}`),
  );
}

function tools(message, host, inThread) {
  const reply = iconButton("reply", "Reply in thread", () => host.openThread(message), "message-tool");
  const more = menuButton({
    label: "More actions",
    face: icon("more"),
    classes: "message-tool",
    items: () => menu(message, host),
  });
  return el("div", { class: "message-tools" }, !inThread && reply, more);
}

function menu(message, { actions, shortcuts, appName, openThread }) {
  const offered = shortcuts().map(({ name, callback_id }) => ({
    label: name,
    about: appName,
    act: () => actions.act("shortcut", { callback_id, channel: message.channel, ts: message.ts }),
  }));
  const copy = { label: "Copy text", act: () => navigator.clipboard?.writeText(message.text) };
  const reply = { label: "Reply in thread", act: () => openThread(message) };
  return [reply, copy, { heading: offered.length ? "Message shortcuts" : "No message shortcuts here" }, ...offered];
}
