/** Text objects: plain_text and mrkdwn. */

import { withEmoji } from "../emoji.js";
import { mrkdwn } from "../mrkdwn.js";

/** Return the nodes of a text object. */
export function drawText(text, directory) {
  if (!text) return [];
  if (text.type === "mrkdwn") return mrkdwn(String(text.text), directory, { verbatim: text.verbatim });
  return text.emoji === false ? [String(text.text)] : withEmoji(String(text.text));
}
