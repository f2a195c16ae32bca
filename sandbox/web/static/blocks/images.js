/** Images. Nothing is loaded from another server, so a box shows the alternative text instead. */

import { el } from "../dom.js";
import { withEmoji } from "../emoji.js";

/** Return an image in one of the sizes `full`, `thumbnail` and `tiny`. */
export function picture(image, size) {
  const address = String(image.image_url ?? "");
  const words = String(image.alt_text ?? "");
  if (address.startsWith("data:image/"))
    return el("img", { class: `picture picture-${size}`, src: address, alt: words });
  const label = words || "An image without a description";
  return el(
    "span",
    { class: `picture picture-away picture-${size}`, role: "img", "aria-label": label, title: label },
    size === "full" && label,
  );
}

export function image(block) {
  const title = block.title?.text;
  return el(
    "figure",
    { class: "block image" },
    title && el("figcaption", {}, withEmoji(String(title))),
    picture(block, "full"),
  );
}
