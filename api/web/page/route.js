// Where the nurse is: #/worklist, #/worklist/<alert>, #/ward, #/handover/<ward>, #/patient/<id>, #/more, and the pages
// behind it. The server never sees it.
import { signal } from "./html.js";

function parsed() {
  const [view = "", id = ""] = location.hash.replace(/^#\/?/, "").split("/");
  return { view, id: decodeURIComponent(id) };
}

export const route = signal(parsed());
/** Patient whose row or tile gets the focus back after "back". */
export const returnFocus = signal(null);

let depth = 0;

export function go(view, id = "") {
  const hash = `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}`;
  if (location.hash === hash) return;
  depth += 1;
  location.hash = hash;
  route.value = parsed(); // hashchange comes later; until then nothing may act on the old place
}

/** Replaces the address, so that "back" does not stop there. */
export function settleAt(view) {
  history.replaceState(null, "", `#/${view}`);
  route.value = parsed();
}

export function goBack(fallback = "worklist") {
  if (depth > 0) {
    depth -= 1;
    history.back();
  } else go(fallback);
}

export function openPatient(id) {
  returnFocus.value = id;
  go("patient", id);
}

addEventListener("hashchange", () => {
  if (!location.hash.startsWith("#key=")) route.value = parsed();
});
