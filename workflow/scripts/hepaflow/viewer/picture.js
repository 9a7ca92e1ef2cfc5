// The picture: a slice in its window, and what is laid over it.

// How outlines are drawn: those of the first layer, the reference if there is one, are solid, others have dashes.
const DASHES = [[], [7, 4], [2, 3], [12, 4, 2, 4], [4, 2, 1, 2], [14, 6], [1, 5], [8, 3, 2, 3, 2, 3]];
const dashesOf = (layer) => (layer === 0 ? [] : DASHES[1 + ((layer - 1) % (DASHES.length - 1))]);

// Wrong pixels, by colour and by the direction of the lines: for the mask's "too much" and "too little".
const WRONG = [
  { marked: true, colour: "#f0e442", rising: true },
  { marked: false, colour: "#56b4e9", rising: false },
];

function hatched(context, { colour, rising }, ratio) {
  const size = Math.round(8 * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const lines = tile.getContext("2d");
  lines.fillStyle = "rgba(0, 0, 0, 0.35)";
  lines.fillRect(0, 0, size, size);
  lines.strokeStyle = colour;
  lines.lineWidth = size / 4;
  for (const shift of [-size, 0, size]) {
    lines.moveTo(shift, rising ? size : 0);
    lines.lineTo(shift + size, rising ? 0 : size);
  }
  lines.stroke();
  return context.createPattern(tile, "repeat");
}

// From dark blue to yellow: brighter is more, also without colour (corners of the map "cividis").
const SCALE = [[0, 34, 78], [65, 77, 107], [124, 123, 120], [188, 175, 111], [254, 232, 56]];

function scaled(percent) {
  const at = Math.min((percent / 100) * (SCALE.length - 1), SCALE.length - 1.001);
  const [low, high] = [SCALE[Math.floor(at)], SCALE[Math.floor(at) + 1]];
  return low.map((value, i) => value + (at % 1) * (high[i] - value));
}

const MARGIN = 0.08; // around the liver, of its width and height

// What is to be seen of a slice: all of it, or the box of all livers in the exam; in pixels of the slice.
function viewOf(slice, onLiver) {
  if (!onLiver) return { row: 0, column: 0, rows: slice.height, columns: slice.width };
  const [[top, bottom], [left, right]] = exam.liver.map((range) => range.map((index) => index / exam.factor));
  const [rows, columns] = [bottom - top, right - left];
  return {
    row: top - MARGIN * rows,
    column: left - MARGIN * columns,
    rows: rows * (1 + 2 * MARGIN),
    columns: columns * (1 + 2 * MARGIN),
  };
}

// Where a slice lies in a canvas: what is to be seen as large as fits, pixels in their true proportions.
function fit(canvas, slice, onLiver) {
  const view = viewOf(slice, onLiver);
  const scale = Math.min(canvas.width / view.columns, canvas.height / (view.rows * RATIO));
  return {
    x: canvas.width / 2 - (view.column + view.columns / 2) * scale,
    y: canvas.height / 2 - (view.row + view.rows / 2) * scale * RATIO,
    width: slice.width * scale,
    height: slice.height * scale * RATIO,
  };
}

function bitmap(slice, colourOf) {
  const canvas = document.createElement("canvas");
  canvas.width = slice.width;
  canvas.height = slice.height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(slice.width, slice.height);
  const pixels = new Uint32Array(image.data.buffer); // little-endian wherever browsers run: alpha, blue, green, red
  for (let i = 0; i < pixels.length; i++) pixels[i] = colourOf(i);
  context.putImageData(image, 0, 0);
  return canvas;
}

function windowed(slice, { width, level }) {
  const greys = HU.map((hu) => {
    const grey = Math.min(Math.max(Math.round(255 * ((hu - level) / width + 0.5)), 0), 255);
    return (0xff000000 | (grey * 0x10101)) >>> 0;
  });
  return bitmap(slice, (i) => greys[slice.levels[i]]);
}

function disagreeing(slice, map) {
  const colours = Array.from({ length: 101 }, (_, percent) => {
    const [red, green, blue] = scaled(percent).map(Math.round);
    const alpha = percent ? 150 + percent : 0;
    return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
  return bitmap(slice, (i) => colours[Math.min(slice.disagreement[map][i], 100)]);
}

// Lay lines in pixels of the slice down as the canvas' path.
function lay(context, place, slice, lines) {
  const [across, down] = [place.width / slice.width, place.height / slice.height];
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 2) {
      const [x, y] = [place.x + line[i] * across, place.y + line[i + 1] * down];
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    }
    context.closePath();
  }
}

function drawLayer(context, place, slice, layer, fill, ratio) {
  for (const structure of exam.structures) {
    const lines = maskOutlines(slice, layer, structure);
    if (!lines.length) continue;
    context.beginPath();
    lay(context, place, slice, lines);
    if (fill > 0) {
      context.save();
      if (structure === "liver") lay(context, place, slice, maskOutlines(slice, layer, "lesion")); // a hole for lesions
      context.globalAlpha = fill;
      context.fillStyle = exam.colours[structure];
      context.fill("evenodd");
      context.restore();
      context.beginPath();
      lay(context, place, slice, lines);
    }
    context.setLineDash(dashesOf(layer).map((length) => length * ratio));
    context.lineJoin = "round";
    const thickness = structure === "lesion" ? 2 : 1.6;
    // A dark seam, so that the line is seen on bright and on dark tissue.
    context.strokeStyle = "rgba(0, 0, 0, 0.55)";
    context.lineWidth = (thickness + 1.2) * ratio;
    context.stroke();
    context.strokeStyle = exam.colours[structure];
    context.lineWidth = thickness * ratio;
    context.stroke();
  }
}

function drawErrors(context, place, slice, layer, structure, ratio) {
  for (const kind of WRONG) {
    context.beginPath();
    lay(context, place, slice, errorOutlines(slice, layer, structure, kind.marked));
    context.fillStyle = hatched(context, kind, ratio);
    context.fill("evenodd");
    context.setLineDash([]);
    context.strokeStyle = kind.colour;
    context.lineWidth = ratio;
    context.stroke();
  }
}

function drawMark(context, place, slice, { row, column, radius }, ratio) {
  const across = place.width / slice.width / exam.factor;
  const [x, y] = [place.x + (column + 0.5) * across, place.y + ((row + 0.5) * place.height) / slice.height / exam.factor];
  const around = radius * across + 8 * ratio;
  context.setLineDash([]);
  for (const [colour, width] of [["rgba(0, 0, 0, 0.6)", 4], ["#fff", 1.6]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * ratio;
    context.beginPath();
    for (let quarter = 0; quarter < 4; quarter++) {
      const angle = (quarter * Math.PI) / 2 + Math.PI / 4;
      context.moveTo(x + around * Math.cos(angle - 0.4), y + around * Math.sin(angle - 0.4));
      context.arc(x, y, around, angle - 0.4, angle + 0.4);
    }
    context.stroke();
  }
}

// Draw a slice as the state says. `ratio` is how many pixels of the canvas make one of the page.
function drawPicture(canvas, slice, state, ratio) {
  const context = canvas.getContext("2d");
  const place = fit(canvas, slice, state.onLiver);
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(windowed(slice, state.window), place.x, place.y, place.width, place.height);
  if (state.disagreement !== null) {
    context.drawImage(disagreeing(slice, state.disagreement), place.x, place.y, place.width, place.height);
  }
  if (state.errors !== null) drawErrors(context, place, slice, state.compared + FIRST_METHOD, state.errors, ratio);
  for (let layer = LAYERS.length - 1; layer >= 0; layer--) {
    // A map has the area for itself: lines alone lie over it.
    const fill = state.disagreement === null ? state.fill : 0;
    if (state.shown[layer]) drawLayer(context, place, slice, layer, fill, ratio);
  }
  if (state.mark && state.mark.slice === state.slice) drawMark(context, place, slice, state.mark, ratio);
}
