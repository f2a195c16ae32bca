/** Times in the reader's time zone and language, for messages and for `<!date^…>`. */

const DAY_MS = 86_400_000;

const STYLES = {
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};
const CLOCK = new Intl.DateTimeFormat("en-US", STYLES.time);
const EXACT = new Intl.DateTimeFormat("en-US", { ...STYLES.date_long, ...STYLES.time_secs });
const WIRE = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Return `10:42 AM` for a Slack timestamp or Unix seconds. */
export const clock = (seconds) => CLOCK.format(moment(seconds));

/** Return the full date and time, for a tooltip. */
export const exactly = (seconds) => EXACT.format(moment(seconds));

/** Return `10:42:07`, for the wire. */
export const toTheSecond = (seconds) => WIRE.format(moment(seconds));

/** Return `Today`, `Yesterday`, or the date. */
export function day(seconds) {
  return pretty(moment(seconds)) ?? moment(seconds).toLocaleDateString("en-US", STYLES.date_long);
}

/** Return `Nov 27`. */
export const shortDay = (seconds) => moment(seconds).toLocaleDateString("en-US", { month: "short", day: "numeric" });

/** Return `4 hours ago`, in one unit. */
export function ago(seconds) {
  const passed = Date.now() / 1000 - Number(seconds);
  for (const [unit, length] of [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ]) {
    const count = Math.floor(Math.abs(passed) / length);
    const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
    if (count >= 1) return passed < 0 ? `in ${words}` : `${words} ago`;
  }
  return "just now";
}

/** Return the text that Slack shows for `<!date^seconds^format|…>`, or null if it shows the fallback. */
export function formatted(seconds, format) {
  const at = moment(seconds);
  if (Number.isNaN(at.getTime())) return null;
  let known = true;
  const text = format.replace(/\{(\w+)\}/g, (_, token) => {
    const words = token === "ago" ? ago(seconds) : written(at, token);
    // One unknown token makes Slack show the fallback for the whole date.
    known &&= words !== null;
    return words ?? "";
  });
  return known ? text : null;
}

function written(at, token) {
  const style = STYLES[token.replace(/_pretty$/, "")];
  if (!style) return null;
  const near = token.endsWith("_pretty") ? pretty(at)?.toLowerCase() : null;
  if (near) return near;
  return at.toLocaleString(token === "date_num" ? "en-CA" : "en-US", style);
}

function pretty(at) {
  const days = Math.round((midnight(new Date()) - midnight(at)) / DAY_MS);
  return { 0: "Today", 1: "Yesterday", "-1": "Tomorrow" }[days] ?? null;
}

function midnight(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

function moment(seconds) {
  return new Date(Number(seconds) * 1000);
}
