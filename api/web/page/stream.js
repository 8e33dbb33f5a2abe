// The live connection. It is called live only after a whole snapshot, and lost after 3 s without a message.
import { batch, effect, signal } from "./html.js";
import { hush } from "./announce.js";
import { askStream, takeEarly } from "./early.js";
import { EventParser } from "./events.js";
import { heard, jump, jumps, serverNow } from "./server_time.js";
import { credentials, person, readMe, refused, session, sessionEnded, viewer } from "./session.js";
import { applyAlertEvent, applyGlass, applyLooking, applySnapshot, applyTick, forget, hideNames } from "./ward.js";

const SILENCE_MS = 3000;
const RETRY_MS = 1000;

/**
 * state: "connecting" (nothing shown yet) | "live" | "lost"; `lastAt` server ms of the newest message;
 * `lostAt` server ms when it was last heard, set while lost.
 */
export const link = signal({ state: "connecting", lastAt: null, lostAt: null, slow: false });
/** {seconds, fresh}: said once after the connection came back; null = nothing to say. */
export const back = signal(null);

let lastEventId = null;
let lastHeard = 0; // performance.now() of the newest message, or of the newest bytes while a snapshot is on its way
let attempt = null; // AbortController of the running request

const set = (change) => {
  link.value = { ...link.peek(), ...change };
};

function onSnapshot(data) {
  const was = link.peek();
  const fresh = applySnapshot(data, was.state === "live");
  const at = serverNow();
  batch(() => {
    if (was.state === "lost") back.value = { seconds: Math.round((at - was.lostAt) / 1000), fresh };
    set({ state: "live", lastAt: at, lostAt: null, slow: false });
  });
}

/** Handles one event; false = the server asks for a new connection. */
function take(event) {
  if (event.type === "reload") {
    lastEventId = null;
    return false;
  }
  const data = JSON.parse(event.data);
  batch(() => {
    // one drawing a tick, of values, ages and the time in the strip
    const before = jumps.peek();
    if (data.server_at) heard(data.server_at);
    if (jumps.peek() !== before && link.peek().lostAt) set({ lostAt: link.peek().lostAt + jump.peek().by }); // it was lost no longer for that
    if (event.type === "tick") applyTick(data);
    if (link.peek().state === "live") set({ lastAt: serverNow() });
  });
  if (event.type === "snapshot") onSnapshot(data);
  else if (event.type === "alert") applyAlertEvent(data);
  else if (event.type === "break_glass") applyGlass(data);
  else if (event.type === "looking") applyLooking(data.items);
  if (event.id !== null) lastEventId = event.id;
  return true;
}

async function read(stream, controller) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    if (link.peek().state !== "live") lastHeard = performance.now();
    for (const event of parser.push(decoder.decode(value, { stream: true }))) {
      lastHeard = performance.now();
      if (!take(event)) {
        controller.abort();
        return;
      }
    }
  }
}

async function connect() {
  const here = session.peek();
  const early = takeEarly(here);
  const controller = early?.controller ?? new AbortController();
  attempt = controller;
  lastHeard = performance.now();
  const from = lastEventId === null ? {} : { "Last-Event-ID": lastEventId };
  const answer = await (early?.answer ?? askStream({ ...credentials("GET"), ...from }, controller.signal));
  if (answer.status === 401) refused(here);
  if (!answer.ok) throw new Error(`stream refused: ${answer.status}`);
  await read(answer.body, controller);
}

function lose() {
  const { state, lastAt } = link.peek();
  if (state === "live") set({ state: "lost", lostAt: lastAt });
  else if (state === "connecting") set({ slow: true });
}

let generation = 0;

async function run() {
  const mine = ++generation;
  while (mine === generation && session.peek() && !sessionEnded.peek()) {
    try {
      await connect();
      if (!session.peek()?.token) await readMe(); // the server ends it when the session locks: then nothing was lost
    } catch {
      // refused, cut or aborted: the state below says so, and the next round tries again
    }
    if (mine !== generation) return;
    lose();
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

export function watch() {
  if (!attempt || !session.peek()) return;
  if (performance.now() - lastHeard <= SILENCE_MS) return;
  lose();
  attempt.abort();
}

function stop() {
  generation += 1;
  attempt?.abort();
  attempt = null;
}

/** What one person was shown is nobody else's. */
function startAnew() {
  forget();
  link.value = { state: "connecting", lastAt: null, lostAt: null, slow: false };
}

let shown = null; // the person whose ward is on the screen

function follow() {
  viewer.value; // reads anew when it changes
  const who = person.value;
  const ended = sessionEnded.value;
  if (ended || session.peek()?.locked) {
    hideNames();
    hush();
  }
  if (who && ended) return;
  stop();
  lastEventId = null; // the whole picture: other rights may show other things
  if (who !== shown) startAnew();
  shown = who;
  if (who) run();
}

export function startStream() {
  setInterval(watch, 250);
  document.addEventListener("visibilitychange", watch);
  effect(follow);
}
