// Tells the server that somebody is at this screen, at most once a minute; when nobody was for a while, asks whether it has locked.
import { effect } from "./html.js";
import { post } from "./http.js";
import { readMe, session, viewer } from "./session.js";

const TELL_MS = 60_000;
const LOOK_MS = 5000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "touchstart", "wheel"];

/** performance.now() of the newest sign that somebody is here. */
export let touchedAt = 0;
let told = 0; // performance.now() of the newest sign that the server was told

const watched = () => {
  const here = session.peek();
  return here && !here.token && !here.locked ? here : null;
};

function touch() {
  touchedAt = performance.now();
  if (!watched() || performance.now() - told < TELL_MS) return;
  told = performance.now();
  post("api/v1/auth/active").catch(() => {}); // a lost connection is shown by the stream's own watch
}

function look() {
  const here = watched();
  if (here && performance.now() - told >= here.idleS * 1000) readMe().catch(() => {}); // the next look asks again
}

export function watchIdle() {
  effect(() => {
    if (viewer.value) told = performance.now(); // log-in and unlocking are signs of life themselves
  });
  for (const sign of SIGNS) addEventListener(sign, touch, { passive: true, capture: true });
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
}
