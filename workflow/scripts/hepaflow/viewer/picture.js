// The picture: a slice in its window, and what is laid over it.

// Outlines of the first layer, the reference if there is one, are solid and have the colours of the structures; every
// other has its own colour and dashes.
const dashesOf = (layer) => exam.looks[layer].dashes;
const colourOf = (layer, structure) => exam.looks[layer].colour ?? exam.colours[structure];
const THICKNESS = { liver: 1.5, lesion: 2.5 };

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

// From dark to bright violet: brighter is more, also without colour, and no part of it is as grey as the CT, not even to
// colour-blind readers.
const SCALE = [[70, 0, 140], [150, 20, 200], [230, 60, 240], [255, 150, 255]];

function scaled(percent) {
  const at = Math.min((percent / 100) * (SCALE.length - 1), SCALE.length - 1.001);
  const [low, high] = [SCALE[Math.floor(at)], SCALE[Math.floor(at) + 1]];
  return low.map((value, i) => value + (at % 1) * (high[i] - value));
}

// Where a picture of a plane lies in a canvas, in pixels of that.
function layOut(lens, picture) {
  const [x, y] = toCanvas(lens, picture.left, picture.top);
  return {
    x,
    y,
    width: picture.width * picture.across * lens.across,
    height: picture.height * picture.down * lens.down,
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

// Fill a layer with the colours of its structures.
function fillLayer(context, place, slice, layer, fill) {
  for (const structure of exam.structures) {
    context.beginPath();
    lay(context, place, slice, maskOutlines(slice, layer, structure));
    if (structure === "liver") lay(context, place, slice, maskOutlines(slice, layer, "lesion")); // a hole for lesions
    context.globalAlpha = fill;
    context.fillStyle = exam.colours[structure];
    context.fill("evenodd");
    context.globalAlpha = 1;
  }
}

function drawLayer(context, place, slice, layer, ratio) {
  for (const structure of exam.structures) {
    const lines = maskOutlines(slice, layer, structure);
    if (!lines.length) continue;
    context.beginPath();
    lay(context, place, slice, lines);
    context.setLineDash(dashesOf(layer).map((length) => length * ratio));
    context.lineJoin = "round";
    // A dark seam, so that the line is seen on bright and on dark tissue.
    context.strokeStyle = "rgba(0, 0, 0, 0.55)";
    context.lineWidth = (THICKNESS[structure] + 1.2) * ratio;
    context.stroke();
    context.strokeStyle = colourOf(layer, structure);
    context.lineWidth = THICKNESS[structure] * ratio;
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

// Stroke a path in white with a dark seam.
function strokeWhite(context, ratio, path) {
  context.setLineDash([]);
  for (const [colour, width] of [["rgba(0, 0, 0, 0.6)", 4], ["#fff", 1.6]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * ratio;
    context.beginPath();
    path();
    context.stroke();
  }
}

// Around a lesion, four arcs.
function drawMark(context, lens, plane, { voxel, radius }, ratio) {
  const [x, y] = toCanvas(lens, ...placeIn(plane, voxel.map((index) => index + 0.5)));
  const around = radius * lens.across + 8 * ratio;
  strokeWhite(context, ratio, () => {
    for (let quarter = 0; quarter < 4; quarter++) {
      const angle = (quarter * Math.PI) / 2 + Math.PI / 4;
      context.moveTo(x + around * Math.cos(angle - 0.4), y + around * Math.sin(angle - 0.4));
      context.arc(x, y, around, angle - 0.4, angle + 0.4);
    }
  });
}

// The point of which the readout tells: a cross with an open middle, so that the voxel is seen.
function drawPoint(context, lens, plane, ratio) {
  const [x, y] = toCanvas(lens, ...placeIn(plane, state.at.map((index) => index + 0.5)));
  const [inner, outer] = [4 * ratio, 11 * ratio];
  strokeWhite(context, ratio, () => {
    for (const [right, down] of [[1, 0], [0, 1], [-1, 0], [0, -1]]) {
      context.moveTo(x + right * inner, y + down * inner);
      context.lineTo(x + right * outer, y + down * outer);
    }
  });
}

// Draw a picture of a plane as the state says. `ratio` is how many pixels of the canvas make one of the page.
function drawPicture(canvas, slice, ratio) {
  const context = canvas.getContext("2d");
  const plane = PLANES[state.plane];
  const lens = lensOf(canvas, plane);
  const place = layOut(lens, slice);
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(windowed(slice, state.window), place.x, place.y, place.width, place.height);
  const compared = state.compared + FIRST_METHOD;
  if (state.disagreement !== null) {
    context.drawImage(disagreeing(slice, state.disagreement), place.x, place.y, place.width, place.height);
  } else if (state.shown[compared] && state.fill > 0) {
    fillLayer(context, place, slice, compared, state.fill); // a map has the area for itself
  }
  if (state.errors !== null) drawErrors(context, place, slice, compared, state.errors, ratio);
  for (let layer = LAYERS.length - 1; layer >= 0; layer--) {
    if (state.shown[layer]) drawLayer(context, place, slice, layer, ratio);
  }
  const { mark } = state;
  if (mark && isShown(plane, mark.voxel)) drawMark(context, lens, plane, mark, ratio);
  if (state.pointed) drawPoint(context, lens, plane, ratio);
  drawRulers(context, lens, plane, ratio);
  drawScaleBar(context, canvas, lens, plane, ratio);
}

// Whether the picture that is shown goes through a voxel.
function isShown(plane, voxel) {
  return pictureWith(plane, voxel[plane.axis]) === pictureWith(plane, state.at[plane.axis]);
}
