/** Every element that this page can draw, by its type. */

import { unknown } from "../blocks/unknown.js";
import { button, overflow } from "./buttons.js";
import { checkboxes, radioButtons } from "./choices.js";
import { picker } from "./pickers.js";
import { select } from "./selects.js";
import { textInput } from "./textinputs.js";

const ELEMENTS = {
  button,
  workflow_button: button,
  overflow,
  radio_buttons: radioButtons,
  checkboxes,
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
  datepicker: picker,
  timepicker: picker,
  datetimepicker: picker,
  static_select: select,
  external_select: select,
  users_select: select,
  conversations_select: select,
  channels_select: select,
  multi_static_select: select,
  multi_external_select: select,
  multi_users_select: select,
  multi_conversations_select: select,
  multi_channels_select: select,
};

/** Draw one element. `about` has the ids of its label and description, and whether its value is invalid. */
export function drawElement(element, block, use, directory, about) {
  const draw = ELEMENTS[element?.type];
  const place = { block_id: block.block_id, action_id: element?.action_id };
  return draw ? draw(element, place, use, directory, about) : unknown(element, "element");
}
