// The server's clock as seen from here, and the one timer that makes ages grow.
import { signal } from "./html.js";

let anchor = { server: Date.now(), perf: performance.now() };

/** Milliseconds since 1970 by the server's clock; between messages carried on by the browser's monotonic clock. */
export const serverNow = () => anchor.server + (performance.now() - anchor.perf);

/** Server time in ms, set anew once a second: with each message of the stream, which draws most of what shows an age anyway. */
export const now = signal(serverNow());
let shownAt = 0;

function show(leastMs) {
  if (performance.now() - shownAt < leastMs) return;
  shownAt = performance.now();
  now.value = serverNow();
}

/** Browser clock minus server clock, ms; null until the server has spoken. */
export const clockDifference = signal(null);

const JUMP_MS = 30_000; // more than a message may be late before the connection counts as lost
/** {by, at}: the server's clock was set forward or back by `by` ms, and then said `at`; null = nothing to say. */
export const jump = signal(null);
/** How often it was: what hangs on the time is read anew when this changes. */
export const jumps = signal(0);

export function heard(serverAt) {
  const server = Date.parse(serverAt);
  if (!Number.isFinite(server)) return;
  const by = server - serverNow();
  anchor = { server, perf: performance.now() };
  const difference = Date.now() - server;
  const first = clockDifference.value === null; // until now times were this browser's
  const slept = !first && Math.abs(difference - clockDifference.value) < JUMP_MS; // then the anchor stood still, not the server
  if (!first && !slept && Math.abs(by) > JUMP_MS) {
    jump.value = { by, at: server };
    jumps.value += 1;
  }
  if (first || Math.abs(difference - clockDifference.value) > 1000) clockDifference.value = difference;
  show(first ? 0 : 500);
}

setInterval(show, 250, 1250); // without a stream
