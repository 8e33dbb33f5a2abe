// Nobody looked at this screen for a while: what happened meanwhile is asked for, once somebody is back.
import { effect, signal } from "./html.js";
import { get } from "./http.js";
import { jump, serverNow } from "./server_time.js";
import { session } from "./session.js";

const AWAY_MS = 5 * 60_000;

/** What the server says of that time, until it is dismissed. */
export const away = signal(null);

let since = null; // server time in ms; null while somebody is here

function look(here) {
  if (!here) {
    since = away.value = null;
  } else if (document.hidden || here.locked) {
    since ??= serverNow();
  } else if (since !== null) {
    const began = since;
    since = null;
    if (serverNow() - began < AWAY_MS) return;
    get(`api/v1/away?since=${new Date(began).toISOString()}`).then(
      (body) => (away.value = body),
      () => (since = began), // told at the next return
    );
  }
}

export function watchAway() {
  document.addEventListener("visibilitychange", () => look(session.peek()));
  effect(() => look(session.value));
  effect(() => {
    // Set back: by the clock as it is now it began earlier. Set forward: what happened before has the times of before.
    if (jump.value && since !== null) since += Math.min(0, jump.value.by);
  });
}
