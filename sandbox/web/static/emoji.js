/** Emoji by name. Unknown names stay as they were written. */

import { el } from "./dom.js";

const GLYPHS = {
  white_check_mark: "✅",
  heavy_check_mark: "✔️",
  ballot_box_with_check: "☑️",
  x: "❌",
  no_entry: "⛔",
  no_entry_sign: "🚫",
  warning: "⚠️",
  rotating_light: "🚨",
  exclamation: "❗",
  question: "❓",
  bangbang: "‼️",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  stopwatch: "⏱️",
  alarm_clock: "⏰",
  mag: "🔍",
  mag_right: "🔎",
  information_source: "ℹ️",
  snowflake: "❄️",
  bell: "🔔",
  no_bell: "🔕",
  email: "📧",
  envelope: "✉️",
  mailbox: "📫",
  inbox_tray: "📥",
  outbox_tray: "📤",
  lock: "🔒",
  unlock: "🔓",
  key: "🔑",
  shield: "🛡️",
  fire: "🔥",
  tada: "🎉",
  eyes: "👀",
  bulb: "💡",
  memo: "📝",
  link: "🔗",
  gear: "⚙️",
  wrench: "🔧",
  robot_face: "🤖",
  bear: "🐻",
  helmet_with_white_cross: "⛑️",
  red_circle: "🔴",
  large_green_circle: "🟢",
  large_yellow_circle: "🟡",
  large_orange_circle: "🟠",
  large_blue_circle: "🔵",
  white_circle: "⚪",
  black_circle: "⚫",
  arrow_right: "➡️",
  arrow_up: "⬆️",
  arrow_down: "⬇️",
  repeat: "🔁",
  arrows_counterclockwise: "🔄",
  octagonal_sign: "🛑",
  stop_sign: "🛑",
  thumbsup: "👍",
  "+1": "👍",
  thumbsdown: "👎",
  "-1": "👎",
  wave: "👋",
  point_right: "👉",
  calendar: "📆",
  date: "📅",
  globe_with_meridians: "🌐",
  lock_with_ink_pen: "🔏",
  closed_lock_with_key: "🔐",
  page_facing_up: "📄",
  pray: "🙏",
  chart_with_upwards_trend: "📈",
  bar_chart: "📊",
  construction: "🚧",
  sparkles: "✨",
  smile: "😄",
  slightly_smiling_face: "🙂",
};

/** Return the emoji of this name as a node, or its text if it is unknown. */
export function emoji(name) {
  const glyph = GLYPHS[name];
  if (!glyph) return `:${name}:`;
  return el(
    "span",
    { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` },
    glyph,
  );
}

/** Replace emoji names in plain text by emoji. */
export function withEmoji(text) {
  return text.split(/:([a-z0-9_+'-]+):/).map((piece, index) => (index % 2 ? emoji(piece) : piece));
}
