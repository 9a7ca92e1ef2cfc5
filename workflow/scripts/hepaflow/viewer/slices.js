// The exam as it lies in the page, and its slices, decoded as they are looked at.

const exam = JSON.parse(document.getElementById("data").textContent);
document.getElementById("data").remove(); // its text is as large as the exam

// Layers in the order of the label maps: the reference, if there is one, then the methods.
const LAYERS = exam.hasReference ? ["reference", ...exam.methods] : exam.methods;
const FIRST_METHOD = LAYERS.length - exam.methods.length;
const MAPS = LAYERS.length + exam.disagreement.length;
const KEPT_BYTES = 64e6; // of slices in memory

const decoded = new Map(); // slice -> promise; the slice that was used last comes last

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflate(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// One canvas for all slices, which are of one size: a new one for each takes longer than to decode it.
const reading = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

async function decode(index) {
  const picture = await createImageBitmap(new Blob([bytesOf(exam.pictures[index])], { type: "image/webp" }), {
    colorSpaceConversion: "none",
  });
  const { width, height } = picture;
  if (reading.canvas.width !== width || reading.canvas.height !== height) Object.assign(reading.canvas, { width, height });
  reading.drawImage(picture, 0, 0);
  picture.close();
  const pixels = reading.getImageData(0, 0, width, height).data;
  const levels = new Uint8Array(width * height);
  for (let i = 0; i < levels.length; i++) levels[i] = pixels[4 * i];

  const size = width * height;
  const maps = exam.maps[index] ? await inflate(exam.maps[index]) : new Uint8Array(MAPS * size);
  if (maps.length !== MAPS * size) throw new Error(`slice ${index}: ${maps.length} labels for ${MAPS * size}`);
  return {
    width,
    height,
    // Where its corner lies in the plane, and how large its pixels are, in voxels of the exam.
    left: 0,
    top: 0,
    across: exam.factor,
    down: exam.factor,
    levels,
    labels: LAYERS.map((_, layer) => maps.subarray(layer * size, (layer + 1) * size)),
    disagreement: exam.disagreement.map((_, map) =>
      maps.subarray((LAYERS.length + map) * size, (LAYERS.length + map + 1) * size)),
    outlines: new Map(),
  };
}

// Return a promise of a slice, counted among those of the page: its levels, label maps and maps of disagreement, one byte a pixel.
function sliceAt(index) {
  const found = decoded.get(index) ?? decode(index);
  decoded.delete(index);
  decoded.set(index, found);
  const kept = Math.max(5, KEPT_BYTES / ((1 + MAPS) * exam.shape[1] * exam.shape[2] / exam.factor ** 2));
  if (decoded.size > kept) decoded.delete(decoded.keys().next().value);
  return found;
}

// HU of every level of a picture: between its corners the curve is straight.
const HU = Array.from({ length: 256 }, (_, level) => {
  const { hu, levels } = exam.curve;
  const right = Math.max(1, levels.findIndex((corner) => corner >= level));
  const share = (level - levels[right - 1]) / (levels[right] - levels[right - 1]);
  return hu[right - 1] + share * (hu[right] - hu[right - 1]);
});

// Whether a pixel with this label belongs to a structure's mask: lesions lie in the liver.
const BELONGS = { liver: (label) => label >= 1, lesion: (label) => label === 2 };

// Dice from the pixels of both masks, of the one and of the other; null where both are empty.
function dice([both, one, other]) {
  return one + other ? (2 * both) / (one + other) : null;
}

function diceOfSlice(method, structure, slice) {
  return dice(exam.counts[method][structure][slice]);
}

// Over the whole exam: the tables' where they have it, null where they have none of this structure. Else of the label
// maps; there, two empty masks agree and count 1, as in the tables.
function diceOfExam(method, structure) {
  if (exam.dice[method]) return exam.dice[method][structure];
  const sums = [0, 0, 0];
  for (const counts of exam.counts[method][structure]) counts.forEach((count, i) => (sums[i] += count));
  return dice(sums) ?? 1;
}
