"use strict";
// A lesion's row leads to its slice in the viewer, which is a page of its own within this one.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-lesion]");
  if (!button) return;
  const viewer = document.getElementById("viewer");
  viewer.contentWindow.goTo(...JSON.parse(button.dataset.lesion));
  document.getElementById("whole").scrollIntoView({ behavior: "smooth" });
});
// On paper nothing can be opened by a click.
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
