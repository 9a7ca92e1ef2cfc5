// The readout: CT value, labels and place of the voxel under the pointer, or of the one that was pointed at.

const LABELS = ["nothing", "liver", "lesion"];
const SIDES = ["RL", "AP", "FH"]; // towards which patient coordinates are negative and positive (LPS+)

// A voxel in the exam at a pixel of the canvas; null outside of the exam.
function voxelAt(x, y) {
  const plane = PLANES[state.plane];
  const place = toPlane(lensOf($("picture"), plane), x, y);
  const voxel = voxelOf(plane, ...place).map(Math.floor);
  return voxel.every((index, axis) => index >= 0 && index < exam.shape[axis]) ? voxel : null;
}

function transformed(matrix, voxel) {
  return matrix.map((row) => row.reduce((sum, factor, i) => sum + factor * [...voxel, 1][i], 0));
}

// Where in the patient a voxel lies, in mm; null where the exam does not tell.
function patientPlace(voxel) {
  if (!exam.places.patient) return null;
  const sides = transformed(exam.places.patient, voxel).map((mm, axis) => {
    const rounded = Math.abs(mm).toFixed(1);
    return `${SIDES[axis][mm > 0 ? 1 : 0]} ${rounded}`;
  });
  return `${sides.join(" · ")} mm`;
}

// The indices of a voxel along the axes of the exam's file.
function fileIndices(voxel) {
  return transformed(exam.places.voxel, voxel);
}

async function readVoxel(voxel) {
  const slice = await sliceAt(closest(voxel[0]));
  const [row, column] = [voxel[1], voxel[2]].map((index) => Math.floor(index / exam.factor));
  const pixel = row * slice.width + column;
  const label = (layer) => LABELS[slice.labels[layer][pixel]];
  const compared = state.compared + FIRST_METHOD;
  return {
    hu: Math.round(HU[slice.levels[pixel]]),
    labels: exam.hasReference
      ? [`reference: ${label(0)}`, `${LAYERS[compared]}: ${label(compared)}`]
      : [label(compared)],
  };
}

let telling = 0;

async function tellVoxel(voxel) {
  const turn = ++telling;
  if (voxel === null) {
    $("pointer").textContent = "";
    return;
  }
  const { hu, labels } = await readVoxel(voxel);
  if (turn !== telling) return; // the pointer moved on
  const lines = [`about ${hu} HU · ${labels.join(", ")}`, patientPlace(voxel), `voxel ${fileIndices(voxel).join(", ")}`];
  $("pointer").textContent = lines.filter(Boolean).join("\n");
}

let pointer = null; // where the pointer is over the canvas, in pixels of that

function tellPoint() {
  const voxel = pointer ? voxelAt(...pointer) : null;
  tellVoxel(voxel ?? (state.pointed ? state.at : null)).catch(fail);
}

// Let all planes go through a voxel, and tell of it.
function pointAt(voxel) {
  state.at = [exam.kept[closest(voxel[0])], voxel[1], voxel[2]];
  state.pointed = true;
  update();
}

// Move the point by pixels of the picture.
function movePoint(right, down) {
  const plane = PLANES[state.plane];
  const steps = [exam.step, thickness(), thickness()];
  const voxel = [...state.at];
  if (state.pointed) {
    voxel[plane.across] += right * steps[plane.across];
    voxel[plane.down] += (plane.headAbove ? -down : down) * steps[plane.down];
  }
  pointer = null; // the keys have the word
  pointAt(voxel.map((index, axis) => clamp(index, 0, exam.shape[axis] - 1)));
  keepInView(plane);
}

// Move a view so that the point lies in it.
function keepInView(plane) {
  const view = state.views[state.plane];
  if (!view) return;
  const [u, v] = placeIn(plane, state.at.map((index) => index + 0.5));
  const moved = {
    ...view,
    left: clamp(view.left, u - 0.95 * view.width, u - 0.05 * view.width),
    top: clamp(view.top, v - 0.95 * view.height, v - 0.05 * view.height),
  };
  if (moved.left === view.left && moved.top === view.top) return;
  setView(plane, moved);
  update();
}
