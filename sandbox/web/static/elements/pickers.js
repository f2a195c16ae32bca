/** Pickers of dates and times, as the browser's own controls. */

import { el } from "../dom.js";

const KINDS = {
  datepicker: { type: "date", read: (state) => state?.selected_date ?? "", wanted: (text) => text || null },
  timepicker: { type: "time", read: (state) => state?.selected_time ?? "", wanted: (text) => text || null },
  datetimepicker: {
    type: "datetime-local",
    read: (state) => (state?.selected_date_time ? local(state.selected_date_time) : ""),
    wanted: (text) => (text ? Math.round(new Date(text).getTime() / 1000) : null),
  },
};

export function picker(element, place, use, _world, about) {
  const kind = KINDS[element.type];
  const control = el("input", {
    id: about.id,
    class: "text-input picker",
    type: kind.type,
    "aria-labelledby": about.labelledBy,
    "aria-describedby": about.describedBy,
    "aria-label": !about.labelledBy && (element.placeholder?.text ?? "Choose a date or time"),
    data: place,
    onchange: () => use.choose(place, kind.wanted(control.value)),
  });
  control.value = kind.read(use.value(place));
  return control;
}

function local(seconds) {
  const at = new Date(seconds * 1000);
  // datetime-local expects local time, and toISOString writes UTC.
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
