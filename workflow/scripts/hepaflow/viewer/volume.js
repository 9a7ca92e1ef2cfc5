// The volume: all slices together, for cuts across them. It is read when the first of these is asked for, from the slice
// that is shown outwards, and can be cut while it is read.

const VOLUME_VOXELS = 64 * 2 ** 20; // of what is kept, a byte a voxel
const LAYERS_IN_BYTE = 4; // a label takes two bits

let volume = null;

function emptyVolume() {
  const slices = exam.kept.length;
  const [rows, columns] = [exam.shape[1], exam.shape[2]].map((length) => Math.ceil(length / exam.factor));
  let coarse = 1; // pixels of a slice that become one, along either side
  while (slices * Math.ceil(rows / coarse) * Math.ceil(columns / coarse) > VOLUME_VOXELS) coarse++;
  const [height, width] = [Math.ceil(rows / coarse), Math.ceil(columns / coarse)];
  const box = boxOfMarked(exam.factor * coarse);
  const size = (box.slices[1] - box.slices[0]) * box.height * box.width;
  return {
    slices,
    rows,
    columns,
    height,
    width,
    coarse,
    box, // labels and disagreement are kept within it alone
    levels: new Uint8Array(slices * height * width),
    labels: Array.from({ length: Math.ceil(LAYERS.length / LAYERS_IN_BYTE) }, () => new Uint8Array(size)),
    disagreement: exam.disagreement.map(() => new Uint8Array(size)),
    read: 0,
  };
}

// What is marked anywhere, in voxels of a volume with pixels of this many voxels.
function boxOfMarked(pixel) {
  const [slices, rows, columns] = exam.marked ?? [[0, 0], [0, 0], [0, 0]];
  const first = exam.kept.findIndex((slice) => slice >= slices[0]);
  const within = exam.kept.filter((slice) => slice >= slices[0] && slice < slices[1]).length;
  const [top, left] = [rows, columns].map(([start]) => Math.floor(start / pixel));
  const [bottom, right] = [rows, columns].map(([, stop]) => Math.ceil(stop / pixel));
  return { slices: [first, first + within], top, left, height: bottom - top, width: right - left };
}

function addLevels(into, slice, index) {
  const { height, width, rows, columns, coarse } = into;
  const levels = into.levels.subarray(index * height * width, (index + 1) * height * width);
  if (coarse === 1) {
    levels.set(slice.levels);
    return;
  }
  for (let y = 0; y < height; y++) {
    const bottom = Math.min((y + 1) * coarse, rows);
    for (let x = 0; x < width; x++) {
      const right = Math.min((x + 1) * coarse, columns);
      let sum = 0;
      for (let row = y * coarse; row < bottom; row++) {
        for (let column = x * coarse; column < right; column++) sum += slice.levels[row * columns + column];
      }
      levels[y * width + x] = sum / ((bottom - y * coarse) * (right - x * coarse));
    }
  }
}

function addMaps(into, slice, index) {
  const { box, rows, columns, coarse } = into;
  if (index < box.slices[0] || index >= box.slices[1]) return;
  let at = (index - box.slices[0]) * box.height * box.width;
  for (let y = 0; y < box.height; y++) {
    const row = Math.min((box.top + y) * coarse + (coarse >> 1), rows - 1);
    for (let x = 0; x < box.width; x++, at++) {
      const pixel = row * columns + Math.min((box.left + x) * coarse + (coarse >> 1), columns - 1);
      slice.labels.forEach((labels, layer) => {
        if (labels[pixel]) into.labels[layer >> 2][at] |= labels[pixel] << (2 * (layer & 3));
      });
      into.disagreement.forEach((map, i) => (map[at] = slice.disagreement[i][pixel]));
    }
  }
}

// Read all slices into the volume, and tell after each of them.
function readVolume(onRead) {
  if (volume) return;
  volume = emptyVolume();
  const first = closest(state.at[0]);
  const waiting = exam.kept.map((_, index) => index).sort((a, b) => Math.abs(a - first) - Math.abs(b - first));
  const read = async () => {
    while (waiting.length) {
      const index = waiting.shift();
      const slice = await (decoded.get(index) ?? decode(index));
      addLevels(volume, slice, index);
      if (exam.maps[index]) addMaps(volume, slice, index);
      volume.read++;
      onRead();
    }
  };
  for (let side = 0; side < 3; side++) read().catch(fail); // while one is decoded, others are taken in
}

// Cut the volume along rows (axis 1) or columns (axis 2), the head above.
function cutVolume(axis, index) {
  const { slices, height, width, box, coarse } = volume;
  const length = axis === 1 ? width : height;
  const [start, stride] = axis === 1 ? [index * width, 1] : [index, width];
  const levels = new Uint8Array(slices * length);
  for (let slice = 0; slice < slices; slice++) {
    const [from, to] = [slice * height * width + start, (slices - 1 - slice) * length];
    for (let i = 0; i < length; i++) levels[to + i] = volume.levels[from + i * stride];
  }

  const inBox = axis === 1 ? index - box.top : index - box.left;
  const [offset, boxLength] = axis === 1 ? [box.left, box.width] : [box.top, box.height];
  const [boxStart, boxStride] = axis === 1 ? [inBox * box.width, 1] : [inBox, box.width];
  const within = inBox >= 0 && inBox < (axis === 1 ? box.height : box.width);
  const cut = (map, shift, bits) => {
    const found = new Uint8Array(slices * length);
    for (let slice = box.slices[0]; within && slice < box.slices[1]; slice++) {
      const from = (slice - box.slices[0]) * box.height * box.width + boxStart;
      const to = (slices - 1 - slice) * length + offset;
      for (let i = 0; i < boxLength; i++) found[to + i] = (map[from + i * boxStride] >> shift) & bits;
    }
    return found;
  };
  return {
    width: length,
    height: slices,
    left: 0,
    top: exam.shape[0] - (exam.kept[slices - 1] + 0.5 + exam.step / 2),
    across: exam.factor * coarse,
    down: exam.step,
    levels,
    labels: LAYERS.map((_, layer) => cut(volume.labels[layer >> 2], 2 * (layer & 3), 3)),
    disagreement: volume.disagreement.map((map) => cut(map, 0, 255)),
    outlines: new Map(),
  };
}
