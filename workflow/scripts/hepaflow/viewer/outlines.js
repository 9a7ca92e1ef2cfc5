// Outlines of masks, as closed lines in pixels of the slice.

// Steps to the right, down, left and up, and the two pixels ahead of a corner in each direction.
const STEP = [[1, 0], [0, 1], [-1, 0], [0, -1]];
const AHEAD_RIGHT = [[0, 0], [-1, 0], [-1, -1], [0, -1]];
const AHEAD_LEFT = [[0, -1], [0, 0], [-1, 0], [-1, -1]];

// Walk around a mask along the borders of its pixels, the mask on the right hand. A line goes from the middle of one
// border to that of the next, which cuts the corners of the pixels. Pixels that touch at a corner stay apart.
function traceOutlines(width, height, inside) {
  const mask = (x, y) => x >= 0 && y >= 0 && x < width && y < height && inside(y * width + x);
  const seen = new Uint8Array(width * height);
  const lines = [];
  for (let top = 0; top < height; top++) {
    for (let left = 0; left < width; left++) {
      if (seen[top * width + left] || !mask(left, top) || mask(left, top - 1)) continue;
      const line = [];
      let [x, y, direction] = [left, top, 0];
      do {
        if (direction === 0) seen[y * width + x] = 1;
        const [dx, dy] = STEP[direction];
        line.push(x + dx / 2, y + dy / 2);
        x += dx;
        y += dy;
        const [rx, ry] = AHEAD_RIGHT[direction];
        const [lx, ly] = AHEAD_LEFT[direction];
        if (!mask(x + rx, y + ry)) direction = (direction + 1) % 4;
        else if (mask(x + lx, y + ly)) direction = (direction + 3) % 4;
      } while (x !== left || y !== top || direction !== 0);
      lines.push(line);
    }
  }
  return lines;
}

// Outlines of a mask of a slice; traced once.
function outlinesOf(slice, name, inside) {
  if (!slice.outlines.has(name)) slice.outlines.set(name, traceOutlines(slice.width, slice.height, inside));
  return slice.outlines.get(name);
}

function maskOutlines(slice, layer, structure) {
  const labels = slice.labels[layer];
  return outlinesOf(slice, `${layer} ${structure}`, (i) => BELONGS[structure](labels[i]));
}

// Outlines of where a layer is wrong: marked but not in the reference, or the other way round.
function errorOutlines(slice, layer, structure, marked) {
  const [reference, labels] = [slice.labels[0], slice.labels[layer]];
  const belongs = BELONGS[structure];
  return outlinesOf(slice, `${layer} ${structure} ${marked}`, (i) =>
    belongs(labels[i]) === marked && belongs(reference[i]) !== marked);
}
