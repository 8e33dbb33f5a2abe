// What can be heard at this screen (design page, section 8): alerts that call, and the loss of the connection.
import { computed, effect, signal } from "./html.js";
import { loud } from "./announce.js";
import { waits } from "./calls.js";
import { post } from "./http.js";
import { preferences } from "./preferences.js";
import { session } from "./session.js";
import { link, watch } from "./stream.js";
import { alertOf, loaded, onAlert, workOrder } from "./ward.js";
import { t } from "./words.js";

/** Hz and ms; JSON, which a test reads. */
export const PATTERNS = {
  "high": {"hz": [523, 523, 523, 523, 523, 523, 523, 523, 523, 523], "at": [0, 250, 500, 1000, 1250, 2100, 2350, 2600, 3100, 3350], "pulse": 150, "rise": 20, "repeat": 10000},
  "medium": {"hz": [392, 392, 392], "at": [0, 400, 800], "pulse": 200, "rise": 30, "repeat": 25000},
  "low": {"hz": [330, 262], "at": [0, 400], "pulse": 200, "rise": 30},
  "test": {"hz": [262, 330, 392], "at": [0, 400, 800], "pulse": 200, "rise": 30}
};
const GAP_MS = 2500; // between two bursts at least
const PAUSE_MS = 120_000;
const NAMES = ["", "medium", "high"]; // by rank

const lengthOf = (name) => PATTERNS[name].at.at(-1) + PATTERNS[name].pulse;

/** Which pattern sounds when: the most urgent, one at a time. Knows no audio and no clock. */
export class Ringer {
  pausedUntil = null;
  #known = new Map();
  #paused = 0; // rank
  #name = "low"; // of the last burst
  #at = -Infinity; // its start
  #soon = false; // something waits for its first burst

  pause(at) {
    this.pausedUntil = at + PAUSE_MS;
    this.#paused = Math.max(0, ...this.#known.values());
  }

  begin(name, at) {
    this.#name = name;
    this.#at = at;
    this.#soon = false;
    return name;
  }

  /** `wanted`: id -> rank. Returns the pattern that starts, "cut" = what sounds must end, "" = nothing. */
  look(at, wanted) {
    const news = Math.max(0, ...[...wanted].map(([id, rank]) => (rank > (this.#known.get(id) ?? 0) ? rank : 0)));
    this.#known = wanted;
    const over = this.pausedUntil !== null && at >= this.pausedUntil;
    if (over || news === 2 || news > this.#paused) this.pausedUntil = null;
    const need = this.pausedUntil === null ? Math.max(0, ...wanted.values()) : 0;
    const last = Math.max(0, NAMES.indexOf(this.#name));
    const end = this.#at + lengthOf(this.#name);
    if (at < end && last > need) {
      this.#at -= end - at;
      return "cut";
    }
    if (!need) return over ? this.begin("low", at) : "";
    this.#soon ||= news === need || last > need;
    const next = this.#soon ? end + GAP_MS : this.#at + PATTERNS[NAMES[need]].repeat;
    return over || need > last || at >= next ? this.begin(NAMES[need], at) : "";
  }
}

const BLIND_MS = 60_000; // then a lost connection sounds as a high alert does
const PARTIALS = [0, 1, 0.8, 0.6, 0.5, 0.4];

const ringer = new Ringer();
/** Does the browser play? null = not known yet. */
export const audible = signal(null);
export const ringing = signal(false);
/** By performance.now(); null = not paused. */
export const pausedUntil = signal(null);
/** Sounds are for those who may answer; a locked session has no such right, but its role. */
export const called = computed(() => ["nurse", "clinician", "admin"].includes(session.value?.role));

/** 2 high, 1 medium, 0: it interrupts nobody. A medium one that ended by itself waits in silence. */
function rank(alert) {
  if (!alert || !waits(alert) || alert.retrospective || alert.call?.how !== "now") return 0;
  return alert.priority === "high" ? 2 : Number(alert.priority === "medium" && alert.state === "active");
}
const calling = computed(() => new Map(workOrder.value.map((id) => [id, rank(alertOf(id))]).filter((one) => one[1])));

let context = null;
let silence = () => {};
let blindAt = null;
let before = null; // ids of medium priority that called before log-in
let notice = null; // one for all that calls
let told = new Map();

/** On the audio clock, which no busy page delays. */
function sound(name) {
  const { hz, at, pulse, rise } = PATTERNS[name];
  const out = context.createGain();
  out.gain.value = Math.max(0.25, preferences.peek().volume);
  out.connect(context.destination);
  const wave = context.createPeriodicWave(new Float32Array(6), new Float32Array(PARTIALS));
  const start = context.currentTime + 0.02;
  const tones = hz.map((frequency, i) => {
    const from = start + at[i] / 1000;
    const until = from + pulse / 1000;
    const level = context.createGain();
    level.gain.setValueAtTime(0, from);
    level.gain.linearRampToValueAtTime(1, from + rise / 1000);
    level.gain.setValueAtTime(1, until - rise / 1000);
    level.gain.linearRampToValueAtTime(0, until);
    const tone = context.createOscillator();
    tone.setPeriodicWave(wave);
    tone.frequency.value = frequency;
    tone.connect(level).connect(out);
    tone.start(from);
    tone.stop(until);
    return tone;
  });
  tones.at(-1).onended = () => out.disconnect();
  silence = () => {
    out.disconnect();
    for (const tone of tones) tone.stop(out.context.currentTime);
  };
}

function open() {
  if (context) return;
  audible.value = false; // until it is known
  context = new AudioContext();
  context.onstatechange = beat;
}

/** Within a click or key only. */
export const switchOn = () => context?.resume().then(beat, () => {}); // refused: the bar stays

/** What calls is heard instead of it. */
export function tryOut() {
  open(); // somebody may ask for it before the stream has begun
  switchOn();
  if (!ringing.peek()) sound(ringer.begin("test", performance.now()));
}

export function togglePause() {
  if (ringer.pausedUntil !== null) ringer.pausedUntil = null;
  else if (ringing.peek()) ringer.pause(performance.now());
  beat();
}

function wanted(at) {
  const all = new Map(calling.peek());
  for (const id of before ?? []) if (all.get(id) < 2) all.delete(id);
  const { state, slow } = link.peek();
  blindAt = state === "lost" || slow ? (blindAt ?? at) : null;
  if (blindAt !== null) all.set("link", at - blindAt < BLIND_MS ? 1 : 2);
  return all;
}

/** Phones let only the service worker show a notice. */
function shown(title, options) {
  try {
    const made = new Notification(title, options);
    made.onclick = () => focus();
    return made;
  } catch {
    const worker = navigator.serviceWorker.ready;
    worker.then((own) => own.showNotification(title, options));
    return { close: async () => (await (await worker).getNotifications(options)).forEach((one) => one.close()) };
  }
}

/** A notice names neither patient nor value: others may see it. */
function notify(calls) {
  const news = [...calls.keys()].some((id) => !told.has(id));
  told = calls;
  if (!calls.size) {
    notice?.close();
    notice = null;
  } else if (news && globalThis.Notification?.permission === "granted" && !document.hasFocus()) {
    notice = shown(t("notice.calls"), { tag: "vigil", renotify: true, requireInteraction: true });
  }
}

/** The browser takes some 60 ms for it: not before the first look is drawn, or it is clear that none comes. */
function openInTime() {
  const { state, slow } = link.peek();
  if (called.peek() && (state !== "connecting" || slow)) open();
}

const TELL_MS = 30_000;
export const SCREEN = crypto.getRandomValues(new Uint32Array(4)).join("-"); // another one for each tab
let said = null;
let saidAt = 0;

/** The server must know who cannot be heard: a silent screen is no way to call somebody. */
function tell(at) {
  if (audible.peek() === said && at - saidAt < TELL_MS) return;
  said = audible.peek();
  saidAt = at;
  post("api/v1/screens/audible", { screen: SCREEN, audible: said }).catch(() => {}); // said again soon
}

/** What has to sound now? */
function beat() {
  if (!called.peek() || !context) return;
  const at = performance.now();
  audible.value = context.state === "running";
  tell(at);
  const all = wanted(at);
  const what = audible.peek() && ringer.look(at, all);
  if (what) silence();
  if (what && what !== "cut") sound(what);
  ringing.value = all.size > 0;
  pausedUntil.value = ringer.pausedUntil;
  notify(all);
}

function follow() {
  if (called.value && loaded.value) {
    before ??= new Set([...calling.peek()].filter((one) => one[1] < 2).map((one) => one[0]));
    return;
  }
  before = null; // another person, or nobody yet
  if (called.value) return;
  silence();
  notify(new Map());
}

export function startSounds() {
  const soon = () => queueMicrotask(beat);
  effect(follow);
  effect(() => [calling.value, link.value.state, soon()]);
  onAlert(({ step, call, alert }) => {
    if (loud(step, call)) before?.delete(alert.id);
    soon();
  });
  for (const gesture of ["click", "keydown"]) addEventListener(gesture, () => audible.peek() === false && switchOn(), true);
  const pulse = () => {
    watch();
    openInTime();
    beat();
  };
  const worker = new Worker(new URL("beat.js", import.meta.url));
  worker.onmessage = pulse;
  worker.onerror = () => setInterval(pulse, 250);
}
