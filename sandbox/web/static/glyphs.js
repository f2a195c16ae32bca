/** The page's own pictures of emoji, 20 by 20, since not every machine has a font with emoji. */


const GREEN = "#2e9e5b";
const RED = "#d92d3c";
const BLUE = "#2f7fc1";
const YELLOW = "#f5b81f";
const DARK = "#6b4e00";
const PAPER = "#f4f6f8";
const STEEL = "#5f7285";

const tile = (fill) => ["rect", { x: 1, y: 1, width: 18, height: 18, rx: 3.5, fill }];
const disc = (fill, r = 9) => ["circle", { cx: 10, cy: 10, r, fill }];
const line = (d, stroke = "#ffffff", width = 2) => [
  "path",
  { d, fill: "none", stroke, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" },
];
const area = (d, fill) => ["path", { d, fill }];
const envelope = (y) => [
  ["rect", { x: 1.5, y, width: 17, height: 11.5, rx: 1.8, fill: PAPER, stroke: STEEL, "stroke-width": 1.2 }],
  line(`M2.5 ${y + 1.5} 10 ${y + 7}l7.5-5.5`, STEEL, 1.2),
];
const hourglass = (sand) => [
  area("M5 3h10c0 4-3.5 5-3.5 7S15 13 15 17H5c0-4 3.5-5 3.5-7S5 7 5 3z", "#d7ecf7"),
  area(sand, YELLOW),
  line("M4.5 2.5h11M4.5 17.5h11", DARK),
  line("M5.5 3c0 4 3.5 5 3.5 7s-3.5 3-3.5 7M14.5 3c0 4-3.5 5-3.5 7s3.5 3 3.5 7", STEEL, 1),
];
const magnifier = [
  ["circle", { cx: 8, cy: 8, r: 5.5, fill: "#d7ecf7", stroke: STEEL, "stroke-width": 2 }],
  line("m12.5 12.5 5 5", DARK, 3),
];

/** By name, the character and the shapes: [SVG element, attributes]. A test compares the names with the sources. */
export const GLYPHS = {
  white_check_mark: ["✅", [tile(GREEN), line("m5.5 10.5 3 3.5 6-8", "#ffffff", 2.4)]],
  incoming_envelope: ["📨", [...envelope(6.5), line("M10 1v6M7 4.5 10 7.5l3-3", BLUE)]],
  email: ["📧", [...envelope(4.2), ["circle", { cx: 15, cy: 14, r: 4, fill: BLUE }], line("M13.5 14h3", "#ffffff", 1.6)]],
  envelope: ["✉️", envelope(4.2)],
  hourglass_flowing_sand: ["⏳", hourglass("M7 6h6c-.5 2-2.5 2.5-3 5 0 0 .2 4.5 3.5 5.5H6.5C9.8 15.5 10 11 10 11 9.5 8.5 7.5 8 7 6z")],
  hourglass: ["⌛", hourglass("M10 11.5c1 1.5 3.8 2.5 4 5H6c.2-2.5 3-3.5 4-5z")],
  warning: ["⚠️", [area("M10 1.5a1.3 1.3 0 0 1 1.15.7l7.6 14.3a1.3 1.3 0 0 1-1.15 1.9H2.4a1.3 1.3 0 0 1-1.15-1.9L8.85 2.2A1.3 1.3 0 0 1 10 1.5z", YELLOW), line("M10 7v5M10 15.2v.01", DARK, 2.2)]],
  no_entry: ["⛔", [disc(RED), line("M5.5 10h9", "#ffffff", 3)]],
  no_entry_sign: ["🚫", [["circle", { cx: 10, cy: 10, r: 7.8, fill: "none", stroke: RED, "stroke-width": 2.4 }], line("m4.8 4.8 10.4 10.4", RED, 2.4)]],
  x: ["❌", [line("m4 4 12 12M16 4 4 16", RED, 3.2)]],
  information_source: ["ℹ️", [tile(BLUE), line("M10 9.5V15M10 5.5v.01", "#ffffff", 2.4)]],
  arrow_right: ["➡️", [tile(BLUE), line("M5 10h9.5M11 6l4 4-4 4")]],
  black_square_for_stop: ["⏹️", [tile(STEEL), ["rect", { x: 6, y: 6, width: 8, height: 8, rx: 1, fill: "#ffffff" }]]],
  snowflake: ["❄️", [line("M10 2v16M3 6l14 8M17 6 3 14M7.5 3.5 10 5.5l2.5-2M7.5 16.5l2.5-2 2.5 2", "#4aa3d8", 1.7)]],
  bulb: ["💡", [area("M10 1.5a6 6 0 0 1 3.5 10.9c-.7.5-1 1.2-1 2.1h-5c0-.9-.3-1.6-1-2.1A6 6 0 0 1 10 1.5z", YELLOW), line("M8 16.5h4M8.8 18.5h2.4", STEEL, 1.5)]],
  mag: ["🔍", magnifier],
  helmet_with_white_cross: ["⛑️", [area("M2 14a8 8 0 0 1 16 0z", RED), line("M1.5 15.5h17", "#a31f2c"), line("M10 7.5v5M7.5 10h5")]],
  red_circle: ["🔴", [disc(RED)]],
  large_green_circle: ["🟢", [disc(GREEN)]],
};
