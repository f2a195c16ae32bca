/** Text objects: plain_text and mrkdwn. */

import { withEmoji } from "../emoji.js";
import { mrkdwn } from "../mrkdwn.js";

/** A text object as nodes. */
export function words(text, world) {
  if (!text) return [];
  if (text.type === "mrkdwn") return mrkdwn(String(text.text), world, { verbatim: text.verbatim });
  return text.emoji === false ? [String(text.text)] : withEmoji(String(text.text));
}
