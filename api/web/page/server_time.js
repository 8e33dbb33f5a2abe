// The server's clock as seen from here, and the one timer that makes ages grow.
import { signal } from "./html.js";

let anchor = { server: Date.now(), perf: performance.now() };

/** Milliseconds since 1970 by the server's clock; between messages carried on by the browser's monotonic clock. */
export const serverNow = () => anchor.server + (performance.now() - anchor.perf);

/** Server time in ms, set anew once a second. */
export const now = signal(serverNow());

/** Browser clock minus server clock, ms; null until the server has spoken. */
export const clockDifference = signal(null);

export function heard(serverAt) {
  const server = Date.parse(serverAt);
  if (!Number.isFinite(server)) return;
  anchor = { server, perf: performance.now() };
  const difference = Date.now() - server;
  if (clockDifference.value === null || Math.abs(difference - clockDifference.value) > 1000) clockDifference.value = difference;
}

setInterval(() => {
  now.value = serverNow();
}, 1000);
