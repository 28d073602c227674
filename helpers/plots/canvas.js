// Draws a Frame on a canvas: in a notebook through anywidget, on a web page from stored frames.
// What a frame is stands in frame.py, how its marks look in looks.py; `unpack` reads what `packed` wrote there.

const FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif";
const SIZES = { tick: 11, text: 12, small: 10.5, title: 13 }; // pixels, before large type
const GRID = ["#e6e6e6", "#333333"]; // on a light and on a dark page
const NARROWEST = { bare: 80, framed: 195 }; // pixels; narrower panels flow onto further rows
const HEAD = 7; // pixels from the tip of an arrow to the end of its head
const SMALLEST = 0.8; // times its size: words of a diagram shrink with it, but must stay readable
const PHONE = 560; // pixels; on narrower pages words decide, too
const LARGE = 1.5;
const LARGE_KEY = "taming-depth-large-type";

// ------------------------------------------------------------------ a frame from what was sent

export function unpack({ structure, strings, numbers, pixels }) {
  let [word, number, pixel] = [0, 0, 0];
  const nextWord = () => strings[word++];
  const nextWords = (count) => strings.slice(word, (word += count));
  const next = (count) => numbers.subarray(number, (number += count));
  const words = nextWord();

  const axis = ({ log, ticks, counts }) => {
    const label = nextWord(), labels = nextWords(ticks);
    return { log, counts, label, labels };
  };
  const limits = (axis, { ticks }) => Object.assign(axis, { ends: next(2), ticks: next(ticks) });
  const mark = (told) => {
    if (told.kind === "image") {
      const [left, right, bottom, top, low, high] = next(6), [rows, columns] = told.shape;
      const levels = pixels.subarray(pixel, (pixel += rows * columns));
      return { ...told, left, right, bottom, top, low, high, levels };
    }
    const arrays = ARRAYS[told.kind].map(() => next(told.length));
    const made = { ...told, ...Object.fromEntries(ARRAYS[told.kind].map((name, i) => [name, arrays[i]])) };
    if (told.kind === "steps") [made.low, made.high, made.base] = next(3);
    if (told.kind === "text") made.words = nextWords(told.length);
    return made;
  };
  const panels = structure.panels.map((told) => {
    const title = nextWord();
    const x = limits(axis(told.x), told.x), y = limits(axis(told.y), told.y);
    return { ...told, title, x, y, marks: told.marks.map(mark) };
  });
  const readout = Array.from({ length: structure.readouts }, () => [nextWord(), nextWord()]);
  return { width: structure.width, height: structure.height, words, panels, readout };
}

const ARRAYS = {
  line: ["x", "y"],
  points: ["x", "y"],
  bars: ["left", "right", "bottom", "top"],
  steps: ["heights"],
  arrows: ["x", "dx", "y", "dy"],
  text: ["x", "y"],
};

// ------------------------------------------------------------------ where the panels stand

// Returns the box (pixels) of every panel's axes, and the height of all. Where the page is so narrow that panels
// could not be read, they keep their heights, get wider, and flow onto further rows.
export function layout(frame, width, type = 1) {
  const height = frame.height * Math.max(1, Math.min(width / frame.width, 1.4), type > 1 ? 1.25 : 1);
  const needed = frame.panels.map((panel) => {
    const least = type * Math.max(narrowest(panel), width < PHONE ? wordsOf(panel, frame) : 0);
    return Math.min(1, Math.max(panel.cell[2], least / width));
  });
  const flows = needed.some((share, i) => share > frame.panels[i].cell[2] + 1e-6);
  const high = (panel, wide) => neededHeight(panel, wide * width, type) / height;
  const cells = flows ? flowing(frame, needed, high) : frame.panels.map(({ cell }) => cell);
  const boxes = cells.map(([left, top, wide, high], i) => {
    const [l, t, r, b] = frame.panels[i].room.map((pixels) => pixels * type);
    const box = { x: left * width + l, y: top * height + t, w: wide * width - l - r, h: high * height - t - b };
    return frame.panels[i].square ? squared(box, frame.panels[i]) : box;
  });
  return { boxes, height: height * Math.max(flows ? 0 : 1, ...cells.map(([, top, , high]) => top + high)) };
}

const narrowest = ({ y, bare }) => (y.ticks.length && !bare ? NARROWEST.framed : NARROWEST.bare);

// How wide a panel must be on a phone (pixels) for its title, its label and the words in it to be read.
function wordsOf({ title, x, bare, marks, cell }, frame) {
  const letters = Math.max(...title.split("\n").map((line) => line.length), 0.9 * x.label.length);
  const inside = bare && marks.some(({ kind }) => kind === "text") ? 0.55 * cell[2] * frame.width : 0;
  return Math.max(5.6 * letters, inside);
}

// How high a panel of this width need be (pixels): a square one no higher than its axes can get.
function neededHeight({ square, x, y, room }, width, type) {
  if (!square) return Infinity;
  const [l, t, r, b] = room.map((pixels) => pixels * type), [across, up] = [x, y].map(spanOf);
  return ((width - l - r) * up) / across + t + b;
}

function flowing(frame, shares, high) {
  const rows = [[]];
  frame.panels.forEach((_, i) => {
    const full = rows.at(-1).reduce((sum, k) => sum + shares[k], 0) + shares[i] > 1 + 1e-6;
    full ? rows.push([i]) : rows.at(-1).push(i);
  });
  const cells = [];
  let top = 0, stretch = 1;
  rows.forEach((row, r) => {
    const total = row.reduce((sum, k) => sum + shares[k], 0);
    if (r < rows.length - 1 || shares[row[0]] !== shares[rows[r - 1]?.[0]]) stretch = 1 / total; // rows are filled
    let left = 0;
    for (const k of row) {
      const wide = shares[k] * stretch;
      cells[k] = [left, top, wide, Math.min(frame.panels[k].cell[3], high(frame.panels[k], wide))];
      left += wide;
    }
    top += Math.max(...row.map((k) => cells[k][3]));
  });
  return cells;
}

// The largest box inside with the same unit on both axes, at the top of the one given, in its middle.
function squared(box, { x, y }) {
  const [across, up] = [x, y].map(spanOf);
  const unit = Math.min(box.w / across, box.h / up);
  const [w, h] = [unit * across, unit * up];
  return { x: box.x + (box.w - w) / 2, y: box.y, w, h };
}

const spanOf = ({ ends }) => Math.abs(ends[1] - ends[0]);
const toX = ({ ends }, box) => (value) => box.x + ((value - ends[0]) / (ends[1] - ends[0])) * box.w;
const toY = ({ ends }, box) => (value) => box.y + box.h - ((value - ends[0]) / (ends[1] - ends[0])) * box.h;
const fromX = ({ ends }, box) => (pixel) => ends[0] + ((pixel - box.x) / box.w) * (ends[1] - ends[0]);
const fromY = ({ ends }, box) => (pixel) => ends[0] + ((box.y + box.h - pixel) / box.h) * (ends[1] - ends[0]);

// ------------------------------------------------------------------ marks

function strokeOf(pen, look, type = 1) {
  pen.ctx.strokeStyle = pen.color(look.color);
  pen.ctx.lineWidth = look.width * Math.sqrt(type);
  pen.ctx.setLineDash(pen.dashes[look.line ?? "solid"].map((length) => length * pen.ctx.lineWidth));
}

const DRAW = {
  line(pen, mark, look, X, Y) {
    if (look.line) {
      strokeOf(pen, look, pen.type);
      pen.ctx.beginPath();
      let down = false;
      for (let i = 0; i < mark.length; i++) {
        const x = X(mark.x[i]), y = Y(mark.y[i]);
        if (!(Number.isFinite(x) && Number.isFinite(y))) { down = false; continue; }
        down ? pen.ctx.lineTo(x, y) : pen.ctx.moveTo(x, y);
        down = true;
      }
      pen.ctx.stroke();
      pen.ctx.setLineDash([]);
    }
    if (look.marker) DRAW.points(pen, mark, look, X, Y);
  },
  points(pen, mark, look, X, Y) {
    const crowded = (0.8 * pen.box.w) / Math.max(1, mark.length);
    const size = look.line ? Math.max(3, Math.min(look.size, crowded)) : look.size;
    for (let i = 0; i < mark.length; i++) {
      const x = X(mark.x[i]), y = Y(mark.y[i]);
      if (inside(pen.box, x, y)) marker(pen, look, x, y, size * Math.sqrt(pen.type));
    }
  },
  bars(pen, mark, look, X, Y) {
    for (let i = 0; i < mark.length; i++) {
      const [left, right] = [X(mark.left[i]), X(mark.right[i])];
      const [bottom, top] = [Y(mark.bottom[i]), Y(mark.top[i])];
      rectangle(pen, look, Math.min(left, right), Math.min(top, bottom), Math.abs(right - left), Math.abs(top - bottom));
    }
  },
  steps(pen, mark, look, X, Y) {
    const edge = (i) => X(mark.low + ((mark.high - mark.low) * i) / mark.length);
    pen.ctx.beginPath();
    pen.ctx.moveTo(edge(0), Y(mark.base));
    for (let i = 0; i < mark.length; i++) {
      const y = Y(Number.isFinite(mark.heights[i]) ? mark.heights[i] : mark.base);
      pen.ctx.lineTo(edge(i), y);
      pen.ctx.lineTo(edge(i + 1), y);
    }
    pen.ctx.lineTo(edge(mark.length), Y(mark.base));
    if (look.line) { strokeOf(pen, look, pen.type); pen.ctx.stroke(); pen.ctx.setLineDash([]); }
    else { pen.ctx.fillStyle = pen.color(look.color); pen.ctx.fill(); }
  },
  arrows(pen, mark, look, X, Y) {
    pen.ctx.fillStyle = pen.color(look.color);
    for (let i = 0; i < mark.length; i++) {
      const [x0, y0] = [X(mark.x[i]), Y(mark.y[i])];
      const [x1, y1] = [X(mark.x[i] + mark.dx[i]), Y(mark.y[i] + mark.dy[i])];
      const length = Math.hypot(x1 - x0, y1 - y0), head = Math.min(HEAD, 0.4 * length);
      if (!(length > 0.5)) continue;
      const [along, across] = [(x1 - x0) / length, (y1 - y0) / length];
      const [x, y] = [x1 - head * along, y1 - head * across]; // where the head begins
      strokeOf(pen, look);
      path(pen, [x0, y0], [x, y]);
      pen.ctx.stroke();
      pen.ctx.setLineDash([]);
      path(pen, [x - 0.5 * head * across, y + 0.5 * head * along], [x1, y1], [x + 0.5 * head * across, y - 0.5 * head * along]);
      pen.ctx.fill();
    }
  },
  text(pen, mark, look, X, Y) {
    const shrink = pen.bare && !mark.within ? Math.min(1, Math.max(SMALLEST, pen.shrink)) : 1;
    const size = fitting(pen, mark, look, (look.small ? SIZES.small : SIZES.text) * pen.type * shrink, X);
    pen.ctx.font = letters(look, size);
    pen.ctx.textAlign = mark.align;
    pen.ctx.textBaseline = "middle";
    pen.ctx.lineJoin = "round";
    for (let i = 0; i < mark.length; i++) {
      const lines = mark.words[i].split("\n"), x = X(mark.x[i]), y = Y(mark.y[i]) - mark.lift * pen.type * shrink;
      lines.forEach((line, k) => {
        const at = y + (k - (lines.length - 1) / 2) * 1.35 * size;
        pen.ctx.strokeStyle = pen.color("paper");
        pen.ctx.lineWidth = 3;
        pen.ctx.strokeText(line, x, at);
        pen.ctx.fillStyle = pen.color(look.color);
        pen.ctx.fillText(line, x, at);
      });
    }
  },
  image(pen, mark, _look, X, Y) {
    const [rows, columns] = mark.shape, sheet = document.createElement("canvas");
    sheet.width = columns;
    sheet.height = rows;
    const paper = sheet.getContext("2d"), image = paper.createImageData(columns, rows), map = pen.map(mark.colors);
    mark.levels.forEach((level, i) => image.data.set(level ? map[level] : [0, 0, 0, 0], 4 * i));
    paper.putImageData(image, 0, 0);
    const [left, right, top, bottom] = [X(mark.left), X(mark.right), Y(mark.top), Y(mark.bottom)];
    pen.ctx.imageSmoothingEnabled = mark.smooth;
    pen.ctx.save();
    pen.ctx.translate(Math.min(left, right), top);
    pen.ctx.scale(1, top < bottom ? 1 : -1);
    pen.ctx.drawImage(sheet, 0, 0, Math.abs(right - left), Math.abs(bottom - top));
    pen.ctx.restore();
    if (mark.bar) pen.after.push(() => colorBar(pen, mark, map));
  },
};

const letters = (look, size) => `${look.bold ? "600 " : ""}${size}px ${FONT}`;

// The size of letters at which all words of a mark fit into the room that it gives them.
function fitting({ ctx }, mark, look, size, X) {
  if (!mark.within) return size;
  ctx.font = letters(look, size);
  const widest = Math.max(...mark.words.flatMap((words) => words.split("\n")).map((line) => ctx.measureText(line).width));
  return size * Math.min(1, Math.abs(X(mark.within) - X(0)) / widest);
}

function path({ ctx }, [x, y], ...points) {
  ctx.beginPath();
  ctx.moveTo(x, y);
  for (const point of points) ctx.lineTo(...point);
}

const inside = (box, x, y) => x >= box.x - 3 && x <= box.x + box.w + 3 && y >= box.y - 3 && y <= box.y + box.h + 3;

function rectangle(pen, look, x, y, w, h) {
  pen.ctx.fillStyle = pen.color(look.color);
  if (look.filled && !look.hatched) pen.ctx.fillRect(x, y, w, h);
  if (look.hatched) {
    pen.ctx.save();
    pen.ctx.beginPath();
    pen.ctx.rect(x, y, w, h);
    pen.ctx.clip();
    pen.ctx.fillRect(x, y, w, h);
    pen.ctx.globalAlpha = 1;
    pen.ctx.strokeStyle = pen.color("paper");
    pen.ctx.lineWidth = 1.2;
    pen.ctx.beginPath();
    for (let at = x - h; at < x + w; at += 6) { pen.ctx.moveTo(at, y + h); pen.ctx.lineTo(at + h, y); }
    pen.ctx.stroke();
    pen.ctx.restore();
  }
  if (look.rim || !look.filled) {
    pen.ctx.strokeStyle = pen.color(look.rim ?? look.color);
    pen.ctx.lineWidth = look.filled ? 1 : look.width;
    pen.ctx.strokeRect(x, y, w, h);
  }
}

const POLYGONS = { // corners on a circle of radius 1
  square: [45, 135, 225, 315],
  triangle: [90, 210, 330],
  down: [270, 30, 150],
  diamond: [0, 90, 180, 270],
  star: Array.from({ length: 10 }, (_, i) => 90 + 36 * i),
};
const STROKES = { plus: [[-1, 0, 1, 0], [0, -1, 0, 1]], cross: [[-0.7, -0.7, 0.7, 0.7], [-0.7, 0.7, 0.7, -0.7]], dash: [[-1.6, 0, 1.6, 0]] };

function marker(pen, look, x, y, size) {
  const { ctx } = pen, radius = size / 2;
  ctx.setLineDash([]);
  ctx.fillStyle = pen.color(look.color);
  ctx.strokeStyle = pen.color(look.rim ?? look.color);
  ctx.lineWidth = STROKES[look.marker] ? Math.max(2, look.width) : look.filled ? 1 : look.width;
  ctx.beginPath();
  if (look.marker === "circle") ctx.arc(x, y, radius, 0, 2 * Math.PI);
  for (const [x0, y0, x1, y1] of STROKES[look.marker] ?? []) {
    ctx.moveTo(x + radius * x0, y + radius * y0);
    ctx.lineTo(x + radius * x1, y + radius * y1);
  }
  (POLYGONS[look.marker] ?? []).forEach((angle, i) => {
    const reach = radius * (look.marker === "star" && i % 2 ? 0.45 : 1.15), turn = (angle * Math.PI) / 180;
    ctx[i ? "lineTo" : "moveTo"](x + reach * Math.cos(turn), y - reach * Math.sin(turn));
  });
  if (POLYGONS[look.marker]) ctx.closePath();
  if (look.filled && !STROKES[look.marker]) ctx.fill();
  if (!look.filled || look.rim || STROKES[look.marker]) ctx.stroke();
}

function colorBar(pen, mark, map) {
  const { ctx, box, type } = pen, x = box.x + box.w + 8 * type, width = 10 * type;
  for (let level = 1; level <= 255; level++) {
    ctx.fillStyle = `rgb(${map[level].slice(0, 3)})`;
    ctx.fillRect(x, box.y + box.h * (1 - level / 255), width, box.h / 255 + 1);
  }
  ctx.font = `${SIZES.small * type}px ${FONT}`;
  ctx.fillStyle = pen.color("ink");
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const share of [0, 0.5, 1]) {
    ctx.fillText(short(mark.low + share * (mark.high - mark.low)), x + width + 3, box.y + box.h * (1 - share));
  }
}

// ------------------------------------------------------------------ panels

// Draws a frame on a canvas's context and returns the boxes of its panels. `marked` is {counts, at} or null.
export function draw(ctx, frame, style, { width, dark = false, type = 1, marked = null, sketch = null }) {
  const { boxes, height } = layout(frame, width, type);
  const color = (name) => style.colors[name][dark ? 1 : 0];
  ctx.clearRect(0, 0, width, height);
  frame.panels.forEach((panel, i) => {
    const box = boxes[i], bare = panel.bare, shrink = width / frame.width;
    const pen = { ctx, color, width, dashes: style.dashes, type, box, bare, shrink, map: (name) => colormap(style, name), after: [] };
    const X = toX(panel.x, box), Y = toY(panel.y, box);
    if (!bare) axes(pen, panel, X, Y, dark);
    title(pen, panel);
    for (const mark of panel.marks) {
      const look = style.looks[mark.look] ?? {};
      ctx.save();
      if (mark.kind !== "text") clip(ctx, box, mark.kind === "points" || look.marker ? 6 : 0);
      ctx.globalAlpha = look.alpha ?? 1;
      DRAW[mark.kind](pen, mark, look, X, Y);
      ctx.restore();
    }
    pen.after.forEach((later) => later());
    if (panel.sketch && sketch) drawSketch(pen, style.looks.guess, sketch, X, Y);
    if (marked) highlight(pen, panel, marked, style.looks, X, Y);
  });
  return { boxes, height };
}

function clip(ctx, { x, y, w, h }, room) {
  ctx.beginPath();
  ctx.rect(x - room, y - room, w + 2 * room, h + 2 * room);
  ctx.clip();
}

function title({ ctx, color, type, box }, panel) {
  if (!panel.title) return;
  ctx.font = `${SIZES.title * type}px ${FONT}`;
  ctx.fillStyle = color("ink");
  ctx.textAlign = "center";
  ctx.textBaseline = "alphabetic";
  const [left, , right] = panel.room, lines = panel.title.split("\n"), room = box.w + (left + right) * type - 4;
  const widest = Math.max(...lines.map((line) => ctx.measureText(line).width));
  if (widest > room) ctx.font = `${(SIZES.title * type * room) / widest}px ${FONT}`;
  const middle = box.x + box.w / 2 + (widest > box.w ? ((right - left) * type) / 2 : 0); // of the axes, or of all
  lines.forEach((line, i) => ctx.fillText(line, middle, box.y - 7 - 17 * type * (lines.length - 1 - i)));
}

function axes({ ctx, color, width, type, box }, { x, y }, X, Y, dark) {
  ctx.lineWidth = 1;
  ctx.strokeStyle = GRID[dark ? 1 : 0];
  ctx.beginPath();
  for (const tick of x.ticks) { ctx.moveTo(X(tick), box.y); ctx.lineTo(X(tick), box.y + box.h); }
  for (const tick of y.ticks) { ctx.moveTo(box.x, Y(tick)); ctx.lineTo(box.x + box.w, Y(tick)); }
  ctx.stroke();
  ctx.strokeStyle = color("gray");
  ctx.beginPath();
  ctx.moveTo(box.x, box.y);
  ctx.lineTo(box.x, box.y + box.h);
  ctx.lineTo(box.x + box.w, box.y + box.h);
  ctx.stroke();
  ctx.fillStyle = color("ink");
  ctx.font = `${SIZES.tick * type}px ${FONT}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  const onPage = (label, at) => Math.min(at, width - ctx.measureText(label).width / 2); // the last may stand at the edge
  spacedOut(ctx, x, X, type).forEach((i) => ctx.fillText(x.labels[i], onPage(x.labels[i], X(x.ticks[i])), box.y + box.h + 4));
  if (x.label) ctx.fillText(x.label, box.x + box.w / 2, box.y + box.h + (x.ticks.length ? 18 * type : 4));
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  y.labels.forEach((label, i) => ctx.fillText(label, box.x - 5, Y(y.ticks[i])));
  if (!y.label) return;
  ctx.save();
  const widest = Math.max(0, ...y.labels.map((label) => ctx.measureText(label).width));
  ctx.translate(box.x - widest - 14 * type, box.y + box.h / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.textAlign = "center";
  ctx.fillText(y.label, 0, 0);
  ctx.restore();
}

// Which tick labels fit without touching: every one, every second, every third, …
function spacedOut(ctx, { ticks, labels }, X, type) {
  const widths = labels.map((label) => ctx.measureText(label).width + 5 * type);
  for (let each = 1; each <= labels.length; each++) {
    const kept = [...labels.keys()].filter((i) => i % each === 0);
    const fits = kept.every((i, k) => !k || Math.abs(X(ticks[i]) - X(ticks[kept[k - 1]])) >= (widths[i] + widths[kept[k - 1]]) / 2);
    if (fits) return kept;
  }
  return labels.length ? [0] : [];
}

function highlight(pen, panel, marked, looks, X, Y) {
  const { ctx, box, color } = pen;
  ctx.save();
  if (panel.about && panel.about[0] === marked.counts && panel.about[1] === marked.at) {
    ctx.strokeStyle = color("ink");
    ctx.lineWidth = 2;
    ctx.strokeRect(box.x - 3, box.y - 3, box.w + 6, box.h + 6);
  }
  if (panel.x.counts === marked.counts) {
    strokeOf(pen, looks.here);
    ctx.beginPath();
    ctx.moveTo(X(marked.at), box.y);
    ctx.lineTo(X(marked.at), box.y + box.h);
    ctx.stroke();
    ctx.setLineDash([]);
    for (const mark of pointable(panel)) {
      const y = Y(valueAt(mark, marked.at));
      if (Number.isFinite(y) && inside(box, 0.5 + box.x, y)) marker(pen, { ...looks.ring, color: looks[mark.look].color }, X(marked.at), y, 11);
    }
  }
  ctx.restore();
}

function drawSketch(pen, look, sketch, X, Y) {
  const places = Object.keys(sketch).map(Number).sort((a, b) => a - b);
  const mark = { length: places.length, x: places, y: places.map((place) => sketch[place]) };
  pen.ctx.save();
  DRAW.line(pen, mark, look, X, Y);
  pen.ctx.restore();
}

const maps = new Map();
function colormap(style, name) {
  if (!maps.has(name)) {
    const stops = style.maps[name].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    maps.set(name, Array.from({ length: 256 }, (_, level) => {
      const place = (Math.max(0, level - 1) / 254) * (stops.length - 1), below = Math.min(Math.floor(place), stops.length - 2);
      return [...stops[below].map((c, i) => Math.round(c + (place - below) * (stops[below + 1][i] - c))), 255];
    }));
  }
  return maps.get(name);
}

// ------------------------------------------------------------------ pointing

const pointable = (panel) => panel.marks.filter(({ kind }) => kind === "line" || kind === "points");

// What a mark has at a position; an upright line, which has more than one value there, tells none.
function valueAt(mark, at) {
  const found = mark.x.reduce((all, x, i) => (Math.abs(x - at) < 1e-3 ? [...all, mark.y[i]] : all), []);
  return found.length === 1 ? found[0] : NaN;
}

// The whole numbers at which something is drawn that `counts` counts, in order.
function positions(frame, counts) {
  const found = new Set();
  for (const panel of frame.panels) {
    if (panel.x.counts === counts) for (const mark of pointable(panel)) mark.x.forEach((x) => Number.isInteger(x) && found.add(x));
    if (panel.about?.[0] === counts) found.add(panel.about[1]);
    if (panel.sketch && panel.x.counts === counts) wholeNumbers(panel.x).forEach((place) => found.add(place));
  }
  return [...found].sort((a, b) => a - b);
}

// What all panels tell of one position: "layer 7 · std of h: measured 0.23, predicted 0.22 · …"
export function told(frame, { counts, at }) {
  const parts = [`${counts} ${at}`];
  for (const panel of frame.panels) {
    if (panel.x.counts !== counts) continue;
    const values = pointable(panel)
      .map((mark) => [mark.label, valueAt(mark, at)])
      .filter(([, value]) => Number.isFinite(value))
      .map(([label, value]) => `${label} ${short(panel.y.log ? 10 ** value : value)}`.trim());
    if (values.length) parts.push(`${panel.title.replace(/, per layer$/, "")}: ${values.join(", ")}`);
  }
  return parts.join(" · ");
}

export function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(1).replace("e+", "e");
  return text.replace("-", "−").replace("e-", "e−");
}

// ------------------------------------------------------------------ the figure on the page

// A canvas with its words, its legend and its numbers. `show(frame)` draws; `sketched(values)` is called when the
// learner has drawn a line; `close()` lets go of the page.
export class Figure {
  constructor(root, style, sketched = () => {}) {
    Object.assign(this, { root, style, sketched, frame: null, marked: null, sketch: {}, drawn: 0 });
    root.classList.add("td-figure");
    this.words = part(root, "div", "td-words", { role: "status", "aria-live": "polite" });
    this.legend = part(root, "div", "td-legend");
    this.canvas = part(root, "canvas", "td-canvas", { role: "img", tabindex: "0" });
    this.told = part(root, "div", "td-told", { "aria-live": "polite" });
    this.readout = part(root, "div", "td-readout", { role: "status" });
    this.button = part(root, "button", "td-large-type", { title: "Large type, for a projector", type: "button" });
    this.button.textContent = "A+";
    this.listen();
  }

  listen() {
    const { canvas } = this;
    this.stop = new AbortController();
    const on = (target, name, heard) => target.addEventListener(name, heard, { signal: this.stop.signal });
    on(canvas, "pointermove", (event) => this.pointed(event));
    on(canvas, "pointerdown", (event) => this.pressed(event));
    on(canvas, "pointerup", () => this.released());
    on(canvas, "pointerleave", () => document.activeElement !== canvas && this.mark(null));
    on(canvas, "keydown", (event) => this.key(event));
    on(canvas, "blur", () => this.mark(null));
    on(this.button, "click", () => setLarge(!isLarge()));
    on(window, LARGE_KEY, () => this.draw());
    this.sizes = new ResizeObserver(() => Math.floor(this.root.clientWidth) !== this.width && this.draw());
    this.sizes.observe(this.root);
    this.themes = new MutationObserver(() => this.draw());
    for (const node of [document.documentElement, document.body]) {
      this.themes.observe(node, { attributes: true, attributeFilter: ["class", "data-theme", "data-mode", "data-jp-theme-light"] });
    }
  }

  close() {
    this.stop.abort();
    this.sizes.disconnect();
    this.themes.disconnect();
    this.root.replaceChildren();
  }

  show(frame) {
    this.frame = frame;
    if (this.marked && !positions(frame, this.marked.counts).includes(this.marked.at)) this.marked = null;
    this.draw();
    write(this.words, frame.words);
    this.showReadout();
    const about = [...frame.panels.map(({ title }) => title).filter(Boolean), frame.words].join(". ");
    const keys = this.counts() ? ` Arrow keys go from ${this.counts()} to ${this.counts()}.` : "";
    const drawing = frame.panels.some(({ sketch }) => sketch) ? " Up and down draw a line." : "";
    this.canvas.setAttribute("aria-label", about + keys + drawing);
  }

  draw() {
    const width = Math.floor(this.root.clientWidth), { frame, canvas } = this;
    if (!frame || !width) return;
    this.width = width;
    const type = isLarge() ? LARGE : 1, dark = isDark(this.root), density = window.devicePixelRatio || 1;
    const wide = Math.min(width, isLarge() ? 1.7 * frame.width : frame.width);
    const { height } = layout(frame, wide, type);
    document.body.classList.toggle("td-large", isLarge()); // controls and questions of the page grow, too
    if (canvas.width !== Math.round(wide * density) || canvas.height !== Math.round(height * density)) {
      [canvas.width, canvas.height] = [wide, height].map((size) => Math.round(size * density));
      [canvas.style.width, canvas.style.height] = [`${wide}px`, `${height}px`];
    }
    const ctx = canvas.getContext("2d");
    ctx.setTransform(density, 0, 0, density, 0, 0);
    this.boxes = draw(ctx, frame, this.style, { width: wide, dark, type, marked: this.marked, sketch: this.sketch }).boxes;
    this.showLegend(dark, type);
    canvas.dataset.drawn = ++this.drawn;
    canvas.figure = this; // for the tests, which compare what was drawn with what was sent
  }

  showLegend(dark, type) {
    const named = new Map();
    for (const panel of this.frame.panels) {
      for (const mark of panel.marks) if (mark.label && !named.has(mark.label)) named.set(mark.label, mark);
    }
    const key = JSON.stringify([dark, type, ...[...named].map(([label, mark]) => [label, mark.look, mark.kind])]);
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren(...[...named].map(([label, mark]) => this.legendItem(label, mark, dark)));
  }

  legendItem(label, mark, dark) {
    const item = document.createElement("span"), sample = part(item, "canvas", ""), density = window.devicePixelRatio || 1;
    [sample.width, sample.height] = [30 * density, 12 * density];
    sample.style.cssText = "width: 30px; height: 12px";
    const ctx = sample.getContext("2d"), look = this.style.looks[mark.look];
    ctx.scale(density, density);
    const color = (name) => this.style.colors[name][dark ? 1 : 0];
    const pen = { ctx, color, dashes: this.style.dashes, type: 1, box: { x: 0, y: 0, w: 30, h: 12 } };
    ctx.globalAlpha = look.alpha;
    const same = (value) => value;
    if (mark.kind === "bars" || (mark.kind === "steps" && !look.line)) rectangle(pen, look, 4, 1, 22, 10);
    else if (mark.kind === "steps") DRAW.line(pen, { length: 2, x: [1, 29], y: [6, 6] }, { ...look, marker: null }, same, same);
    else {
      if (mark.kind !== "points") DRAW.line(pen, { length: 2, x: [1, 29], y: [6, 6] }, { ...look, marker: null }, same, same);
      if (look.marker) marker(pen, look, 15, 6, Math.min(look.size, 10));
    }
    item.append(label);
    return item;
  }

  showReadout() {
    const { readout } = this.frame, items = this.readout.children;
    while (items.length > readout.length) this.readout.lastChild.remove();
    readout.forEach(([label, value], i) => {
      const item = items[i] ?? part(this.readout, "span", "td-number");
      if (item.dataset.label !== label) { item.dataset.label = label; item.replaceChildren(`${label}: `, part(item, "b", "")); }
      write(item.lastChild, value);
    });
  }

  // ---- pointing at a position, with the mouse or with keys

  counts() {
    const { panels } = this.frame;
    return panels.find(({ x }) => x.counts)?.x.counts ?? panels.find(({ about }) => about)?.about[0] ?? "";
  }

  at(event) {
    const scale = this.canvas.width / (window.devicePixelRatio || 1) / this.canvas.getBoundingClientRect().width;
    const [x, y] = [event.offsetX * scale, event.offsetY * scale];
    const i = this.boxes.findIndex((box) => inside(box, x, y));
    return i < 0 ? null : { panel: this.frame.panels[i], box: this.boxes[i], x, y };
  }

  pointed(event) {
    if (!this.frame) return;
    const place = this.at(event);
    if (place?.panel.sketch && event.buttons) return this.sketchTo(place);
    if (!place) return this.mark(null);
    const { panel, box, x } = place;
    if (panel.about) return this.mark({ counts: panel.about[0], at: panel.about[1] });
    if (!panel.x.counts) return this.mark(null);
    const value = fromX(panel.x, box)(x), all = positions(this.frame, panel.x.counts);
    if (!all.length) return this.mark(null);
    const at = all.reduce((best, next) => (Math.abs(next - value) < Math.abs(best - value) ? next : best));
    this.mark({ counts: panel.x.counts, at });
  }

  mark(marked) {
    if (marked?.at === this.marked?.at && marked?.counts === this.marked?.counts) return;
    this.marked = marked;
    this.draw();
    write(this.told, marked && this.frame ? told(this.frame, marked) : "");
  }

  key(event) {
    const across = { ArrowRight: 1, ArrowLeft: -1 }[event.key], up = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Escape") this.mark(null);
    const counts = this.frame && this.counts();
    if (!counts || !(across || up)) return;
    event.preventDefault();
    event.stopPropagation();
    const panel = this.frame.panels.find(({ sketch }) => sketch);
    const all = panel ? wholeNumbers(panel.x) : positions(this.frame, counts);
    const now = all.indexOf(this.marked?.at);
    if (across) this.mark({ counts, at: all[now < 0 ? 0 : Math.min(Math.max(now + across, 0), all.length - 1)] });
    if (up && panel) this.sketchBy(panel, up);
  }

  // ---- a line drawn in by the learner: position → value on the axis's scale

  pressed(event) {
    const place = this.frame && this.at(event);
    if (!place?.panel.sketch) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.last = null;
    this.sketchTo(place);
  }

  sketchTo({ panel, box, x, y }) {
    const places = wholeNumbers(panel.x), [low, high] = panel.y.ends;
    const at = Math.min(Math.max(Math.round(fromX(panel.x, box)(x)), places[0]), places.at(-1));
    const value = Math.min(Math.max(fromY(panel.y, box)(y), low), high), from = this.last ?? { at, value };
    const steps = Math.max(1, Math.abs(at - from.at));
    for (let k = 0; k <= steps; k++) this.sketch[Math.round(from.at + ((at - from.at) * k) / steps)] = from.value + ((value - from.value) * k) / steps;
    this.last = { at, value };
    this.draw();
  }

  sketchBy(panel, up) {
    const places = wholeNumbers(panel.x), at = this.marked?.at ?? places[0], [low, high] = panel.y.ends;
    const before = this.sketch[at] ?? this.sketch[at - 1] ?? (low + high) / 2;
    this.sketch[at] = Math.min(Math.max(before + (up * (high - low)) / 40, low), high);
    this.draw();
    write(this.told, `${panel.x.counts} ${at}: ${short(panel.y.log ? 10 ** this.sketch[at] : this.sketch[at])}`);
    this.tellSketch();
  }

  released() {
    if (this.last) this.tellSketch();
    this.last = null;
  }

  // Takes up a line that was drawn before: one value per place, null where there is none.
  recall(values) {
    const panel = this.frame?.panels.find(({ sketch }) => sketch);
    if (!panel || this.last) return;
    this.sketch = {};
    wholeNumbers(panel.x).forEach((place, i) => {
      if (Number.isFinite(values[i])) this.sketch[place] = panel.y.log ? Math.log10(values[i]) : values[i];
    });
    this.draw();
  }

  tellSketch() {
    const panel = this.frame.panels.find(({ sketch }) => sketch);
    this.sketched(wholeNumbers(panel.x).map((place) => {
      const value = this.sketch[place];
      return value === undefined ? null : panel.y.log ? 10 ** value : value;
    }));
  }
}

function wholeNumbers({ ends }) {
  const first = Math.ceil(ends[0] - 1e-6), last = Math.floor(ends[1] + 1e-6);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function part(parent, tag, name, attributes = {}) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function isDark(node) {
  const [red, green, blue] = getComputedStyle(node).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384; // light letters stand on a dark page
}

function isLarge() {
  try { return localStorage.getItem(LARGE_KEY) === "on"; } catch { return false; }
}

function setLarge(large) {
  try { localStorage.setItem(LARGE_KEY, large ? "on" : "off"); } catch { /* a page that may not remember */ }
  window.dispatchEvent(new Event(LARGE_KEY));
}

// ------------------------------------------------------------------ in a notebook, through anywidget

function bytes(view) {
  return view ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : new ArrayBuffer(0);
}

function render({ model, el }) {
  const figure = new Figure(el, model.get("looks"), (values) => {
    model.set("sketch", values);
    model.save_changes();
  });
  const update = () => {
    if (!model.get("structure").panels) return;
    figure.show(unpack({
      structure: model.get("structure"),
      strings: model.get("strings"),
      numbers: new Float32Array(bytes(model.get("numbers"))),
      pixels: new Uint8Array(bytes(model.get("pixels"))),
    }));
  };
  const recall = () => figure.recall(model.get("sketch"));
  model.on("change", update);
  model.on("change:sketch", recall);
  update();
  recall();
  return () => {
    model.off("change", update);
    model.off("change:sketch", recall);
    figure.close();
  };
}

export default { render };
