/** Blocks that this page cannot draw: a labelled box with their JSON, so that none is dropped silently. */

import { el } from "../dom.js";

export function unknown(thing, kind = "block") {
  const name = String(thing?.type ?? "without a type");
  return el(
    "details",
    { class: "unknown", open: true },
    el("summary", {}, `Unknown ${kind}: ${name}`),
    el("pre", { tabindex: "0" }, JSON.stringify(thing, null, 2)),
  );
}
