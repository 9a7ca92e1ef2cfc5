// Moving by mouse, pen and touch.

function show(picture) {
  const plane = PLANES[state.plane];
  const next = clamp(picture, 0, countOf(plane) - 1);
  if (next === pictureWith(plane, state.at[plane.axis])) return;
  state.at[plane.axis] = indexOf(plane, next);
  update();
}

// Go some pictures on, to the head, the back or the left.
function step(pictures) {
  const plane = PLANES[state.plane];
  show(pictureWith(plane, state.at[plane.axis]) + pictures);
}

function setWindow(width, level) {
  state.window = { width: clamp(width, 1, 4000), level: clamp(level, -1024, 2000) };
  update();
}

function setPlane(name) {
  state.plane = name;
  update();
}

function toggleMeasuring() {
  state.measures = exam.steps !== null && !state.measures;
  update();
}

// Where an event is over the canvas, in pixels of that.
function positionOf(event) {
  const box = $("picture").getBoundingClientRect();
  const ratio = $("picture").width / box.width;
  return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
}

let wheeled = 0;

function onWheel(event) {
  event.preventDefault();
  if (event.ctrlKey || event.metaKey) { // also what browsers make of two fingers on a touch pad
    zoomBy(Math.exp(-clamp(event.deltaY, -100, 100) / 200), ...positionOf(event));
    return;
  }
  if (event.deltaMode !== 0 || Math.abs(event.deltaY) >= 50) {
    wheeled = 0; // a notch of a mouse's wheel
    step(-Math.sign(event.deltaY));
    return;
  }
  wheeled += event.deltaY; // a touch pad: many small steps
  const steps = Math.trunc(wheeled / 30);
  wheeled -= 30 * steps;
  step(-steps);
}

const STILL = 4; // pixels of the page that a click may move

const fingers = new Map(); // positions of what is pressed, by pointer
let drag = null;

function onPointerDown(event) {
  event.preventDefault();
  $("picture").focus({ preventScroll: true, focusVisible: false });
  $("picture").setPointerCapture(event.pointerId);
  const position = positionOf(event);
  fingers.set(event.pointerId, position);
  if (fingers.size > 1) {
    endRuler();
    drag = null; // two fingers zoom and pan
    return;
  }
  const plane = PLANES[state.plane];
  const windowing = event.button === 2 || event.shiftKey;
  drag = {
    moves: windowing ? "window" : event.button === 1 ? "pan" : $("picture").dataset.drag,
    still: event.button === 0 && !event.shiftKey, // as long as it may become a click
    start: [event.clientX, event.clientY],
    last: position,
    picture: pictureWith(plane, state.at[plane.axis]),
    window: { ...state.window },
    // The whole stack is one height of the picture, and a slice never less than four pixels.
    perPicture: Math.max(4, $("picture").clientHeight / countOf(plane)),
    ruler: null,
  };
}

// Zoom and pan by two fingers: what they held stays under them.
function pinch(event, position) {
  const [one, other] = [...fingers.values()];
  const before = { middle: middleOf(one, other), apart: Math.hypot(one[0] - other[0], one[1] - other[1]) };
  fingers.set(event.pointerId, position);
  const [first, second] = [...fingers.values()];
  const middle = middleOf(first, second);
  const apart = Math.hypot(first[0] - second[0], first[1] - second[1]);
  panBy(middle[0] - before.middle[0], middle[1] - before.middle[1]);
  if (before.apart > 0 && apart > 0) zoomBy(apart / before.apart, ...middle);
}

const middleOf = (one, other) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];

function onPointerMove(event) {
  const position = positionOf(event);
  if (fingers.size > 1 && fingers.has(event.pointerId)) {
    pinch(event, position);
    return;
  }
  pointer = position;
  tellPoint();
  if (!drag) return;
  const [right, down] = [event.clientX - drag.start[0], event.clientY - drag.start[1]];
  if (drag.still && Math.hypot(right, down) < STILL) return;
  drag.still = false;
  if (drag.moves === "window") setWindow(drag.window.width + 2 * right, drag.window.level + down);
  else if (drag.moves === "scroll") show(drag.picture - Math.round(down / drag.perPicture));
  else if (drag.moves === "measure") stretchRuler(event, position);
  else {
    panBy(position[0] - drag.last[0], position[1] - drag.last[1]);
    drag.last = position;
  }
}

// A ruler from where the drag began to where it is.
function stretchRuler(event, position) {
  const plane = PLANES[state.plane];
  const lens = lensOf($("picture"), plane);
  const placed = (at) => voxelOf(plane, ...toPlane(lens, ...at));
  if (!drag.ruler) {
    drag.ruler = { plane: state.plane, ends: [placed(drag.last), null] };
    state.rulers.push(drag.ruler);
  }
  drag.ruler.ends[1] = placed(position);
  update();
}

// A ruler that a second finger interrupts was not meant.
function endRuler() {
  if (drag?.ruler) state.rulers = state.rulers.filter((ruler) => ruler !== drag.ruler);
}

function onPointerUp(event) {
  fingers.delete(event.pointerId);
  if (drag?.still && event.type === "pointerup") {
    const voxel = voxelAt(...positionOf(event));
    if (voxel) pointAt(voxel);
  }
  if (event.pointerType === "touch") {
    pointer = null; // nothing hovers
    tellPoint();
  }
  drag = null;
}

function onPointerLeave() {
  pointer = null;
  tellPoint();
}
