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
const last = exam.kept.length - 1;

const state = {
  slice: 0, // of those that are in the page
  window: { width: WINDOWS[0].width, level: WINDOWS[0].level },
  shown: LAYERS.map((_, layer) => layer === 0 || layer === LAYERS.length - 1),
  compared: exam.methods.length - 1,
  errors: null, // a structure
  disagreement: null, // which map
  fill: 0.1,
  onLiver: false, // whether the liver fills the picture
  mark: null, // the lesion that was jumped to
};

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// The slice in the page that lies closest to one of the exam.
function closest(slice) {
  let best = 0;
  exam.kept.forEach((kept, i) => {
    if (Math.abs(kept - slice) < Math.abs(exam.kept[best] - slice)) best = i;
  });
  return best;
}

let drawing = 0;

async function draw() {
  const turn = ++drawing;
  delete $("picture").dataset.drawn; // tells others, tests above all, when the picture is as the controls say
  try {
    const slice = await sliceAt(state.slice);
    if (turn !== drawing) return; // meanwhile another slice was asked for
    const canvas = $("picture");
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    drawPicture(canvas, slice, state, ratio);
    canvas.dataset.drawn = exam.kept[state.slice];
    for (const next of [state.slice + 1, state.slice - 1]) if (next >= 0 && next <= last) sliceAt(next);
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  $("failure").hidden = false;
  $("failure").textContent = `This slice cannot be shown: ${error.message}. The viewer needs a browser of 2023 or later.`;
  console.error(error);
}

function update() {
  const slice = exam.kept[state.slice];
  $("slice").value = state.slice;
  $("which").textContent = `Slice ${slice + 1} of ${exam.shape[0]}`;
  $("slice").setAttribute("aria-valuetext", $("which").textContent);
  $("picture").setAttribute("aria-label", `CT, slice ${slice + 1} of ${exam.shape[0]}`);
  $("here").textContent = `W ${Math.round(state.window.width)}  L ${Math.round(state.window.level)}`;
  if (document.activeElement !== $("width")) $("width").value = Math.round(state.window.width);
  if (document.activeElement !== $("level")) $("level").value = Math.round(state.window.level);
  for (const button of $("presets").children) {
    const preset = WINDOWS[button.dataset.index];
    const chosen = preset.width === state.window.width && preset.level === state.window.level;
    button.setAttribute("aria-pressed", chosen);
  }
  $("zoom").setAttribute("aria-pressed", state.onLiver);
  $("fill").value = 100 * state.fill;
  $("fill-said").textContent = `${Math.round(100 * state.fill)} %`;
  $("errors").value = state.errors ?? "";
  $("errors-key").hidden = state.errors === null;
  $("disagreement").value = state.disagreement ?? "";
  $("disagreement-key").hidden = state.disagreement === null;
  $("compared").textContent = exam.methods[state.compared];
  updateLayers(slice);
  updateMarkedRow();
  remember();
  draw();
}
