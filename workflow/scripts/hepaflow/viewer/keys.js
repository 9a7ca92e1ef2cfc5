// Keys, each with what it does, and the list of them.

const turnPlane = () => {
  const names = Object.keys(PLANES);
  setPlane(names[(names.indexOf(state.plane) + 1) % names.length]);
};

function turnErrors() {
  if (!exam.hasReference) return;
  const turns = [null, ...exam.structures];
  state.errors = turns[(turns.indexOf(state.errors) + 1) % turns.length];
  update();
}

function forget() {
  state.pointed = false;
  state.mark = null;
  firstEnd = null;
  update();
}

const ACTIONS = {
  ArrowUp: () => step(1),
  ArrowRight: () => step(1),
  ArrowDown: () => step(-1),
  ArrowLeft: () => step(-1),
  PageUp: () => step(10),
  PageDown: () => step(-10),
  Home: () => show(countOf(PLANES[state.plane]) - 1),
  End: () => show(0),
  0: toggleAll,
  "+": () => zoomBy(1.25),
  "=": () => zoomBy(1.25),
  "-": () => zoomBy(0.8),
  r: seeWhole,
  z: seeLiver,
  p: turnPlane,
  e: turnErrors,
  n: () => goToBad(1),
  N: () => goToBad(-1),
  m: measureFromPoint,
  M: toggleMeasuring,
  Delete: () => state.rulers.length && removeRuler(state.rulers.length - 1),
  Escape: forget,
  "?": () => $("help").showModal(),
  ...Object.fromEntries(WINDOWS.map(({ key, width, level }) => [key, () => setWindow(width, level)])),
};

const WITH_SHIFT = {
  ArrowUp: () => movePoint(0, -1),
  ArrowDown: () => movePoint(0, 1),
  ArrowLeft: () => movePoint(-1, 0),
  ArrowRight: () => movePoint(1, 0),
};

const KEYS = [
  ["↑ or →, ↓ or ←", "one slice towards the head, towards the feet"],
  ["Page up, Page down", "ten slices"],
  ["Home, End", "the slice closest to the head, to the feet"],
  ["p", "axial, coronal, sagittal"],
  ["1 to 9", exam.hasReference ? "show or hide the reference (1) and the methods" : "show or hide the outlines of a method"],
  ["0", "hide all outlines, show them again"],
  ["a, l, u, b", "window for abdomen, liver, lung, bone"],
  ["+, −, r", "zoom in, zoom out, the whole slice again"],
  ["z", "the liver as large as fits"],
  ...(exam.hasReference ? [["e", "errors: of the liver, of the lesions, none"]] : []),
  ...(exam.hasReference || exam.disagreement.length ? [["n, Shift + n", "the next bad slice, the one before"]] : []),
  ["Shift + arrows", "move the point of which the CT value is told"],
  ...(exam.steps ? [
    ["m, then m elsewhere", "measure from the point to the next one"],
    ["Shift + m", "measure by dragging, or stop that"],
    ["Delete", "remove the last ruler"],
  ] : []),
  ["Escape", "hide the point"],
  ["Wheel", "scroll through the slices"],
  ["Wheel with Ctrl, or two fingers", "zoom"],
  ["Drag", "scroll through the slices; where the picture is zoomed, move it"],
  ["Drag with the right button, or with Shift", "window: across for its width, up and down for its level"],
  ["Click, or tap", "set the point, through which the other planes go"],
  ["Enter or a click on a lesion", "go to the slice where it is largest"],
];

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  // Fields keep their own keys, and so do links and buttons theirs.
  if (event.target.matches("select, input:not([type=checkbox], #slice)")) return;
  const table = event.shiftKey && event.key in WITH_SHIFT ? WITH_SHIFT : ACTIONS;
  if (/^[1-9]$/.test(event.key)) {
    if (event.key <= LAYERS.length) toggle(event.key - 1);
  } else if (Object.hasOwn(table, event.key)) table[event.key]();
  else return;
  event.preventDefault();
}
