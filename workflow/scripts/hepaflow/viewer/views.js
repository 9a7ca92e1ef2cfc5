// The view: which part of a plane is seen, and how large. It is a box in the plane that is as large in the picture as
// fits; none is the whole plane.

const MARGIN = 0.08; // around the liver, of its width and height
const SMALLEST = 8; // voxels across a view

function wholeOf({ down, across }) {
  return { left: 0, top: 0, width: exam.shape[across], height: exam.shape[down] };
}

// Everything that is marked in the exam, and a margin.
function liverIn(plane) {
  const [one, other] = [0, 1].map((end) => placeIn(plane, exam.liver.map((range) => range[end])));
  const [width, height] = [0, 1].map((i) => Math.abs(other[i] - one[i]));
  return {
    left: Math.min(one[0], other[0]) - MARGIN * width,
    top: Math.min(one[1], other[1]) - MARGIN * height,
    width: width * (1 + 2 * MARGIN),
    height: height * (1 + 2 * MARGIN),
  };
}

const viewIn = (plane) => (state.onLiver ? liverIn(plane) : state.views[state.plane] ?? wholeOf(plane));
const isZoomed = () => state.onLiver || state.views[state.plane] !== null;

// Where a plane lies in a canvas: its corner, and the size of a voxel, in pixels of the canvas.
function lensOf(canvas, plane, view = viewIn(plane)) {
  const ratio = ratioOf(plane);
  const across = Math.min(canvas.width / view.width, canvas.height / (view.height * ratio));
  const down = across * ratio;
  return {
    x: canvas.width / 2 - (view.left + view.width / 2) * across,
    y: canvas.height / 2 - (view.top + view.height / 2) * down,
    across,
    down,
  };
}

const toPlane = (lens, x, y) => [(x - lens.x) / lens.across, (y - lens.y) / lens.down];
const toCanvas = (lens, u, v) => [lens.x + u * lens.across, lens.y + v * lens.down];

function setView(plane, view) {
  const whole = wholeOf(plane);
  const canvas = $("picture");
  state.onLiver = false;
  if (lensOf(canvas, plane, view).across <= lensOf(canvas, plane, whole).across * 1.001) {
    state.views[state.plane] = null;
    return;
  }
  // The middle stays within the exam, so that it is never lost.
  view.left = clamp(view.left + view.width / 2, 0, whole.width) - view.width / 2;
  view.top = clamp(view.top + view.height / 2, 0, whole.height) - view.height / 2;
  state.views[state.plane] = view;
}

// Zoom around a pixel of the canvas, which stays where it is; around its middle by default.
function zoomBy(factor, x = $("picture").width / 2, y = $("picture").height / 2) {
  const plane = PLANES[state.plane];
  const view = viewIn(plane);
  const [u, v] = toPlane(lensOf($("picture"), plane), x, y);
  const by = Math.min(factor, Math.max(view.width, view.height) / SMALLEST);
  setView(plane, {
    left: u - (u - view.left) / by,
    top: v - (v - view.top) / by,
    width: view.width / by,
    height: view.height / by,
  });
  update();
}

// Move what is seen by pixels of the canvas.
function panBy(x, y) {
  const plane = PLANES[state.plane];
  const [view, lens] = [viewIn(plane), lensOf($("picture"), plane)];
  setView(plane, { ...view, left: view.left - x / lens.across, top: view.top - y / lens.down });
  update();
}

function seeWhole() {
  state.onLiver = false;
  state.views[state.plane] = null;
  update();
}

function seeLiver() {
  state.views[state.plane] = null;
  state.onLiver = exam.liver !== null && !state.onLiver;
  update();
}

// How much larger the picture is than the whole plane.
function magnification() {
  const [canvas, plane] = [$("picture"), PLANES[state.plane]];
  return lensOf(canvas, plane).across / lensOf(canvas, plane, wholeOf(plane)).across;
}
