// What is shown. Every control changes the state and then calls `update`, which tells it everywhere and draws anew.

const WINDOWS = [
  // The liver's is set for contrast-enhanced exams, in which it lies near 100 HU.
  { name: "Abdomen", key: "a", width: 400, level: 40 },
  { name: "Liver", key: "l", width: 200, level: 80 },
  { name: "Lung", key: "u", width: 1500, level: -600 },
  { name: "Bone", key: "b", width: 1800, level: 400 },
];

const $ = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const state = {
  plane: "axial",
  at: [...exam.start], // slice, row and column of a voxel through which all planes go
  pointed: false, // whether that voxel was pointed at, and is marked
  views: { axial: null, coronal: null, sagittal: null }, // what is seen of each plane; null for all of it
  onLiver: false, // whether the liver fills the picture instead
  window: { width: WINDOWS[0].width, level: WINDOWS[0].level },
  shown: LAYERS.map((_, layer) => layer === 0 || layer === exam.opened + FIRST_METHOD),
  compared: exam.opened,
  errors: null, // a structure
  disagreement: null, // which map
  fill: 0.1,
  measures: false, // whether a drag measures
  rulers: [],
  mark: null, // the lesion that was jumped to
};

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// In words, where a picture lies: "Slice 3 of 12".
function told(plane, picture) {
  const { noun, axis } = plane;
  return `${noun} ${indexOf(plane, picture) + 1} of ${exam.shape[axis]}`;
}

let drawing = 0;
let drawnAt = 0; // when a volume that is read was drawn last

async function draw() {
  const turn = ++drawing;
  const canvas = $("picture");
  const plane = PLANES[state.plane];
  delete canvas.dataset.drawn; // tells others, tests above all, when the picture is as the controls say
  try {
    if (plane.axis !== 0) readVolume(drawAsRead);
    const picture = pictureWith(plane, state.at[plane.axis]);
    const found = await pictureOf(plane, picture);
    if (turn !== drawing) return; // meanwhile another was asked for
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    $("frame").style.setProperty("--aspect", canvas.width / canvas.height);
    drawPicture(canvas, found, ratio);
    const complete = plane.axis === 0 || isWhole();
    $("reading").textContent = complete ? "" : `Reading slices: ${volume.read} of ${volume.slices}`;
    if (complete) canvas.dataset.drawn = indexOf(plane, picture);
    if (plane.axis !== 0) return;
    for (const next of [picture + 1, picture - 1]) if (next >= 0 && next < exam.kept.length) sliceAt(next);
  } catch (error) {
    fail(error);
  }
}

// Draw what has been read of the volume by now, once a second: drawing takes as long as reading some slices.
function drawAsRead() {
  if (state.plane === "axial" || (!isWhole() && performance.now() - drawnAt < 1000)) return;
  drawnAt = performance.now();
  if (isWhole()) update(); // the readout, too
  else draw();
}

function fail(error) {
  $("failure").hidden = false;
  $("failure").textContent = `This slice cannot be shown: ${error.message}. The viewer needs a browser of 2023 or later.`;
  console.error(error);
}

function updatePlane() {
  const plane = PLANES[state.plane];
  const picture = pictureWith(plane, state.at[plane.axis]);
  $("slice").max = countOf(plane) - 1;
  $("slice").value = picture;
  $("which").textContent = told(plane, picture);
  $("slice").setAttribute("aria-valuetext", $("which").textContent);
  $("slice").setAttribute("aria-label", `${plane.noun}, ${DIRECTIONS[plane.axis].from} to ${DIRECTIONS[plane.axis].to}`);
  $("down").setAttribute("aria-label", `One ${plane.noun.toLowerCase()} towards ${DIRECTIONS[plane.axis].from}`);
  $("up").setAttribute("aria-label", `One ${plane.noun.toLowerCase()} towards ${DIRECTIONS[plane.axis].to}`);
  $("picture").setAttribute("aria-label", `CT, ${plane.name.toLowerCase()}, ${$("which").textContent}`);
  ["top", "bottom", "left", "right"].forEach((side, i) => (document.querySelector(`.side.${side}`).textContent = plane.sides[i]));
  for (const button of $("planes").children) button.setAttribute("aria-pressed", button.dataset.plane === state.plane);
  $("zoom").setAttribute("aria-pressed", state.onLiver);
  $("whole").disabled = !isZoomed();
  const larger = magnification();
  $("magnified").textContent = isZoomed() ? `${larger.toFixed(1)}×` : "";
  $("measure").setAttribute("aria-pressed", state.measures);
  $("picture").dataset.drag = state.measures ? "measure" : isZoomed() ? "pan" : "scroll";
}

function updateWindow() {
  $("here").textContent = `W ${Math.round(state.window.width)}  L ${Math.round(state.window.level)}`;
  if (document.activeElement !== $("width")) $("width").value = Math.round(state.window.width);
  if (document.activeElement !== $("level")) $("level").value = Math.round(state.window.level);
  for (const button of $("presets").children) {
    const preset = WINDOWS[button.dataset.index];
    const chosen = preset.width === state.window.width && preset.level === state.window.level;
    button.setAttribute("aria-pressed", chosen);
  }
}

function update() {
  updatePlane();
  updateWindow();
  $("fill").value = 100 * state.fill;
  $("fill-said").textContent = `${Math.round(100 * state.fill)} %`;
  $("errors").value = state.errors ?? "";
  $("errors-key").hidden = state.errors === null;
  $("disagreement").value = state.disagreement ?? "";
  $("disagreement-key").hidden = state.disagreement === null;
  $("maps").classList.toggle("unused", state.errors === null && state.disagreement === null); // not printed then
  for (const place of document.querySelectorAll(".compared")) place.textContent = exam.methods[state.compared];
  updateLayers(state.at[0]);
  updateMarkedRow();
  updateRulers();
  drawMarks();
  remember();
  tellPoint();
  draw();
}
