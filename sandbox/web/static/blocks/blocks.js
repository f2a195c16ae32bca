/** Every block that this page can draw, by its type. */

import { dataTable } from "./datatables.js";
import { image } from "./images.js";
import { actions, input } from "./inputs.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";
import { table } from "./tables.js";
import { context, divider, header, section } from "./texts.js";
import { unknown } from "./unknown.js";

const BLOCKS = {
  actions,
  context,
  data_table: dataTable,
  divider,
  header,
  image,
  input,
  markdown,
  rich_text: richText,
  section,
  table,
};

/**
 * Draw blocks, each as one node. `use` has the interactions, `directory` looks up users and channels.
 *
 * A block that cannot be drawn is shown as a box with its JSON.
 */
export function drawBlocks(blocks, use, directory) {
  return blocks.map((block) => drawBlock(block, use, directory));
}

function drawBlock(block, use, directory) {
  const draw = BLOCKS[block?.type];
  try {
    return draw ? draw(block, use, directory) : unknown(block);
  } catch (error) {
    console.warn("a block that could not be drawn", error);
    return unknown(block);
  }
}
