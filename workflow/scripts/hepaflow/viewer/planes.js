// The planes in which an exam is looked at. A place in a plane is (u, v), across and down, in voxels of the exam, counted
// from the outer corner of its first voxel; a voxel is slice, row and column.

const PLANES = {
  axial: { name: "Axial", noun: "Slice", axis: 0, down: 1, across: 2, headAbove: false, sides: "APRL" },
  coronal: { name: "Coronal", noun: "Row", axis: 1, down: 0, across: 2, headAbove: true, sides: "HFRL" },
  sagittal: { name: "Sagittal", noun: "Column", axis: 2, down: 0, across: 1, headAbove: true, sides: "HFAP" },
};

// How high a voxel is in a plane, if it is one wide.
function ratioOf({ down, across }) {
  return exam.spacing[down] / exam.spacing[across];
}

function voxelOf({ down, across, headAbove }, u, v) {
  const voxel = state.at.map((index) => index + 0.5);
  voxel[across] = u;
  voxel[down] = headAbove ? exam.shape[0] - v : v;
  return voxel;
}

function placeIn({ down, across, headAbove }, voxel) {
  return [voxel[across], headAbove ? exam.shape[0] - voxel[down] : voxel[down]];
}

// The slice in the page that lies closest to one of the exam.
function closest(slice) {
  let best = 0;
  exam.kept.forEach((kept, i) => {
    if (Math.abs(kept - slice) < Math.abs(exam.kept[best] - slice)) best = i;
  });
  return best;
}

// How many voxels lie between the pictures of a plane other than the axial.
const thickness = () => exam.factor * (volume?.coarse ?? 1);

// How many pictures there are in a plane, which of them shows a voxel, and which voxel a picture stands for.
function countOf({ axis }) {
  return axis === 0 ? exam.kept.length : Math.ceil(exam.shape[axis] / thickness());
}

function pictureWith({ axis }, index) {
  return axis === 0 ? closest(index) : Math.floor(index / thickness());
}

function indexOf({ axis }, picture) {
  return axis === 0 ? exam.kept[picture] : Math.min(picture * thickness() + (thickness() >> 1), exam.shape[axis] - 1);
}

const cuts = new Map(); // the last ones, of the whole volume; their outlines are traced once

// Return a picture of a plane, or a promise of it.
function pictureOf({ axis }, picture) {
  if (axis === 0) return sliceAt(picture);
  if (!isWhole()) return cutVolume(axis, picture);
  const name = `${axis} ${picture}`;
  const found = cuts.get(name) ?? cutVolume(axis, picture);
  cuts.delete(name);
  cuts.set(name, found);
  if (cuts.size > 8) cuts.delete(cuts.keys().next().value);
  return found;
}

const isWhole = () => volume !== null && volume.read === volume.slices;
