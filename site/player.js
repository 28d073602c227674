// Plays a lab on a web page without a kernel: a stored grid of frames, drawn by the module that draws the live lab.
// What a grid's file is stands in tools/gridfile.py, which of a lab's controls can be moved in tools/grids.py.

import { Figure, unpack } from "./canvas.js";
import looks from "./looks.js";

const NEAR = "1200px"; // a player this far below the window fetches its grid
const NEEDS = ["The pale controls need the notebook: ", "python3 course.py lab", "."];
const NOT_LOADED = "This lab's stored pictures could not be loaded; the picture shows how it starts.";

// ------------------------------------------------------------------ the file of a grid

const [NONE, ALONG] = [0, 1];
const WHOLE = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };

export class Grid {
  static async fetched(address) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return new Grid(await new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  }

  constructor(buffer) {
    const length = new DataView(buffer).getUint32(0, true), bytes = new Uint8Array(buffer);
    this.head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    let at = 4 + length;
    const read = (count, length, width, relative) => {
      const numbers = summed(whole(bytes, at, count * length, width), length, relative);
      at += count * length * width;
      return numbers;
    };
    const { settings, structures, pools } = this.head;
    this.which = read(1, settings, 4, ALONG);
    this.members = structures.map(() => 0);
    this.places = Array.from(this.which, (structure) => this.members[structure]++);
    this.references = structures.map(({ parts, strings }, k) => read(parts.length + strings, this.members[k], 4, ALONG));
    this.pools = pools.map(([length, levels, reach, count, relative, width]) => {
      const rows = read(count, length, width, relative);
      return { length, levels, reach, pixels: width === 1, rows: width === 4 ? new Float32Array(rows.buffer) : rows };
    });
  }

  // The frame of the setting at a place, as canvas.js draws it.
  frame(place) {
    const which = this.which[place], { frame, parts, strings } = this.head.structures[which];
    const row = (part) => this.references[which][part * this.members[which] + this.places[place]];
    const sizes = [0, 0]; // of numbers, of pixels
    const starts = parts.map(([pool]) => {
      const kind = this.pools[pool].pixels ? 1 : 0;
      return (sizes[kind] += this.pools[pool].length) - this.pools[pool].length;
    });
    const [numbers, pixels] = [new Float32Array(sizes[0]), new Uint8Array(sizes[1])];
    parts.forEach(([pool, ends], part) => {
      const { length, levels, reach, rows, pixels: isPixels } = this.pools[pool];
      const stored = rows.subarray(row(part) * length, (row(part) + 1) * length);
      if (levels) fill(numbers, starts[part], stored, numbers[starts[ends]], numbers[starts[ends] + 1], levels, reach);
      else (isPixels ? pixels : numbers).set(stored, starts[part]);
    });
    const words = Array.from({ length: strings }, (_, k) => this.head.strings[row(parts.length + k)]);
    return unpack({ structure: frame, strings: words, numbers, pixels });
  }
}

// Whole numbers from their bytes: the lowest of all, then the next.
function whole(bytes, at, count, width) {
  const numbers = new WHOLE[width](count);
  for (let k = 0; k < width; k++) for (let i = 0; i < count; i++) numbers[i] |= bytes[at + k * count + i] << (8 * k);
  return numbers;
}

// Whole numbers from their differences to the one before in the row, or to the row before.
function summed(numbers, length, relative) {
  if (relative === NONE) return numbers;
  const back = relative === ALONG ? 1 : length;
  for (let i = 0; i < numbers.length; i++) {
    const first = relative === ALONG ? i % length === 0 : i < length;
    const change = (numbers[i] >>> 1) ^ -(numbers[i] & 1);
    numbers[i] = (first ? 0 : numbers[i - back]) + change;
  }
  return numbers;
}

// Numbers from levels between the ends of an axis; level 0 is nan.
function fill(numbers, start, stored, low, high, levels, reach) {
  const least = low - reach * (high - low), step = ((1 + 2 * reach) * (high - low)) / (levels * (1 + 2 * reach) - 1);
  for (let i = 0; i < stored.length; i++) numbers[start + i] = stored[i] ? least + (stored[i] - 1) * step : NaN;
}

// ------------------------------------------------------------------ the player on the page

export class Player {
  constructor(root, grid) {
    const { controls, others } = grid.head;
    this.grid = grid;
    this.chosen = controls.map(({ at }) => at);
    const form = made("form", "td-controls", "", { "aria-label": "Controls of this lab" });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.append(...controls.map((control, i) => this.control(control, i)));
    const pale = made("div", "td-pale");
    pale.append(...others.map(paleControl));
    const figure = made("div", "");
    for (const picture of root.children) picture.hidden = true; // it may still be loading
    root.append(form, ...(others.length ? [pale, needs()] : []), figure);
    this.figure = new Figure(figure, looks);
    this.show();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.figure.draw());
  }

  control(control, i) {
    const { label, kind, options } = control, input = INPUTS[kind](control), box = labeled(label, kind, input);
    const tell = () => write(input, box.querySelector("output"), options[this.chosen[i]]);
    if (kind === "slider") tell();
    input.addEventListener("input", () => {
      this.chosen[i] = kind === "switch" ? Number(input.checked) : Number(input.value);
      if (kind === "slider") tell();
      this.show();
    });
    return box;
  }

  show() {
    const place = this.grid.head.controls.reduce((sum, { stride }, i) => sum + stride * this.chosen[i], 0);
    this.figure.show(this.grid.frame(place));
  }
}

const INPUTS = {
  slider: ({ options, at }) => made("input", "", "", { type: "range", min: 0, max: options.length - 1, step: 1, value: at }),
  switch: ({ at }) => Object.assign(made("input", "", "", { type: "checkbox" }), { checked: at === 1 }),
  choice: ({ options, at }) => {
    const list = made("select", "");
    list.append(...options.map((text, k) => made("option", "", text, { value: k })));
    list.selectedIndex = at;
    return list;
  },
};

// A control that only the notebook has, with the value at which it stands.
function paleControl({ label, kind, text, share }) {
  const input = INPUTS[kind]({ options: [text], at: kind === "switch" ? share : 0 }), box = labeled(label, kind, input);
  input.disabled = true;
  if (kind !== "slider") return box;
  Object.assign(input, { max: 1, step: "any", value: share });
  write(input, box.querySelector("output"), text);
  return box;
}

function labeled(label, kind, input) {
  const box = made("label", `td-control td-${kind}`), name = made("span", "td-label", label);
  box.append(...(kind === "switch" ? [input, name] : [name, input]));
  if (kind === "slider") box.append(made("output", "", "", { "aria-hidden": "true" })); // aria-valuetext tells it
  return box;
}

function needs() {
  const sentence = made("p", "td-needs", NEEDS[0]);
  sentence.append(made("code", "", NEEDS[1]), NEEDS[2]);
  return sentence;
}

function write(input, shown, text) {
  shown.textContent = text;
  input.setAttribute("aria-valuetext", text);
}

function made(tag, name, text = "", attributes = {}) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

async function start(root) {
  try {
    const grid = await Grid.fetched(new URL(`grids/${root.dataset.grid}.grid`, import.meta.url));
    root.player = new Player(root, grid);
  } catch (error) {
    console.error(error);
    root.append(made("p", "td-needs", NOT_LOADED));
  }
}

const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    start(target);
  }
}, { rootMargin: NEAR });
for (const root of document.querySelectorAll(".td-player")) near.observe(root);
