/** The markdown block: the common part of Markdown. */

import { el } from "../dom.js";
import { EMOJI, emoji } from "../emoji.js";
import { link } from "../mrkdwn.js";

// In order of precedence: code, bold, italic, strike, links and images, emoji.
const INLINE = new RegExp(
  [
    "`([^`]+)`",
    "\\*\\*(?=\\S)(.+?)(?<=\\S)\\*\\*",
    "(?<![\\p{L}\\p{N}*])[*_](?=\\S)([^*_]+?)(?<=\\S)[*_](?![\\p{L}\\p{N}*])",
    "~~(.+?)~~",
    "!?\\[([^\\]]*)\\]\\(([^)\\s]+)\\)",
    EMOJI,
  ].join("|"),
  "gu",
);

export function markdown(block, _use, directory) {
  return el(
    "div",
    { class: "block markdown" },
    chunks(String(block.text ?? "")).map((chunk) => drawChunk(chunk, directory)),
  );
}

/** Split a text into paragraphs, fenced code, headings, lists, quotes and rules, each with its lines. */
function chunks(text) {
  const found = [];
  let fence = null;
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) {
      fence = fence ? null : { kind: "code", lines: [] };
      if (fence) found.push(fence);
    } else if (fence) fence.lines.push(line);
    else gather(found, line);
  }
  return found.filter((chunk) => chunk.kind !== "blank");
}

function gather(found, line) {
  const [kind, words] = kindOf(line);
  const last = found.at(-1);
  if (last?.kind === kind && !["heading", "rule"].includes(kind)) last.lines.push(words);
  else found.push({ kind, lines: [words] });
}

function kindOf(line) {
  if (!line.trim()) return ["blank", ""];
  if (/^(---+|\*\*\*+)\s*$/.test(line)) return ["rule", ""];
  for (const [kind, pattern] of [
    ["heading", /^#{1,6}\s+(.*)/],
    ["bullets", /^\s*[-*+]\s+(.*)/],
    ["numbers", /^\s*\d+[.)]\s+(.*)/],
    ["quote", /^>\s?(.*)/],
  ]) {
    const match = pattern.exec(line);
    if (match) return [kind, match[1]];
  }
  return ["paragraph", line];
}

function drawChunk({ kind, lines }, directory) {
  const broken = () => lines.flatMap((line, index) => [index ? el("br") : null, inline(line, directory)]);
  const items = () => lines.map((line) => el("li", {}, inline(line, directory)));
  switch (kind) {
    case "code":
      return el("pre", {}, lines.join("\n"));
    case "heading":
      return el("p", { class: "markdown-heading" }, broken());
    case "bullets":
      return el("ul", {}, items());
    case "numbers":
      return el("ol", {}, items());
    case "quote":
      return el("blockquote", {}, broken());
    case "rule":
      return el("hr");
    default:
      return el("p", {}, broken());
  }
}

function inline(text, directory) {
  const shown = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    shown.push(text.slice(end, match.index), piece(match, directory));
    end = match.index + match[0].length;
  }
  return [...shown, text.slice(end)];
}

function piece([, code, bold, italic, struck, words, address, name, character], directory) {
  if (code) return el("code", {}, code);
  if (bold) return el("strong", {}, inline(bold, directory));
  if (italic) return el("em", {}, inline(italic, directory));
  if (struck) return el("s", {}, inline(struck, directory));
  return address ? link(address, words || address, directory) : emoji(name, character);
}
