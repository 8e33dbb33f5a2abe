// What is read after the first look, and when that is over.
import { signal } from "./html.js";

const RETRY_MS = 2000;

/** [signal of a module, null until it is there; function that reads it, once] */
function later(load) {
  const held = signal(null);
  let asked = false;
  const read = async () => {
    if (asked) return;
    asked = true;
    while (!held.peek()) {
      try {
        held.value = await load();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // the bar says what is wrong with the connection
      }
    }
  };
  return [held, read];
}

/** The module of the other views. */
export const [rest, readRest] = later(() => import("../views/rest.js"));
/** That of the log-in, which whoever is in does not see first. */
export const [door, readDoor] = later(() => import("../views/log_in.js"));

/** Calls back when what is drawn by now is on the screen; returns the function that forgets it. */
export function afterPicture(act) {
  let timer = null;
  const soon = () => {
    timer = setTimeout(act, 50);
  };
  const frame = document.hidden ? soon() : requestAnimationFrame(soon);
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}
