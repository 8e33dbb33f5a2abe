// A patient's past values for the charts: read from the server, carried on by the live stream, read again from time to time.
import { effect, signal } from "./html.js";
import { get, ofPatient } from "./http.js";
import { jumps, serverNow } from "./server_time.js";
import { link } from "./stream.js";
import { cards } from "./ward.js";
import { VITALS } from "./vitals.js";

const POINTS = 480; // one bucket is then about two screen pixels
/** Longer ones are read in buckets only, nothing is carried on by the stream, and scores are the worst of each bucket. */
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
export const isLong = (rangeMs) => rangeMs > DAY_MS;
/** Scores are stored at least each minute; longer apart than this is a gap. */
export const scoreHolds = (rangeMs) => (isLong(rangeMs) ? (1.5 * rangeMs) / POINTS : 2.5 * MINUTE_MS);
const LATE_MS = MINUTE_MS;
const BIT = { motion: 1, contact_lost: 4, questionable: 16, test: 32, implausible: 256, manual: 1024, no_value: 2048, repeated: 8192, whose_unknown: 16384 };
/** Values with one of these bits are shown as a hollow ✕ and never joined. */
const GATED = BIT.motion | BIT.contact_lost | BIT.questionable | BIT.test | BIT.implausible | BIT.no_value | BIT.repeated | BIT.whose_unknown;

/**
 * One point: t ms, v value or null, min and max of its bucket, bad, partly (a bucket with bad values in it), late (receipt ms
 * or 0), manual.
 * A bucket's point stands at the bucket's middle.
 */
function point(raw, bucketMs) {
  const t = Date.parse(raw.at);
  if ("mean" in raw) {
    const middle = { t: t + bucketMs / 2, v: raw.mean, min: raw.min, max: raw.max, n: raw.count, late: 0, manual: false };
    return { ...middle, bad: raw.count === 0, partly: raw.bad > 0 };
  }
  const received = raw.received_at ? Date.parse(raw.received_at) : t;
  const quality = raw.quality ?? 0;
  return {
    t,
    v: raw.value,
    min: raw.value,
    max: raw.value,
    n: 1,
    bad: raw.value === null || (quality & GATED) !== 0,
    late: received - t > LATE_MS ? received : 0,
    manual: (quality & BIT.manual) !== 0,
  };
}

/** Buckets are of one width; the narrowest step between two filled ones is it. */
function bucketWidth(items) {
  if (items.length < 2 || !("mean" in items[0])) return 0;
  let width = Infinity;
  for (let i = 1; i < items.length; i += 1) width = Math.min(width, Date.parse(items[i].at) - Date.parse(items[i - 1].at));
  return width;
}

function median(numbers) {
  if (!numbers.length) return 0;
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const MAX_GAP_MS = 300_000;

/** A line is drawn over at most two expected intervals (5 min at most), or from a bucket to the next; spot checks are never joined. */
export function gapLimit(vital, points, bucketMs) {
  const { every } = VITALS[vital];
  if (every === null) return 0;
  const steps = [];
  for (let i = 1; i < points.length; i += 1) steps.push(points[i].t - points[i - 1].t);
  return Math.max(Math.min(MAX_GAP_MS, Math.max(2000 * every, 2 * median(steps)) + 500), 1.5 * bucketMs);
}

export function readSeries(body) {
  const all = body.series ?? [body];
  const series = {};
  for (const item of all) {
    if (!VITALS[item.vital]) continue;
    series[item.vital] = item.streams
      .map((stream) => ({ device: stream.device_id, items: stream.raw ?? stream.points ?? [] }))
      .filter(({ items }) => items.length)
      .map(({ device, items }) => {
        const bucketMs = bucketWidth(items);
        return { device, bucketMs, points: items.map((raw) => point(raw, bucketMs)) };
      });
  }
  return series;
}

/** Adds what the stream brings; a value already there (same device and time) is not added twice. */
function extend(series, card) {
  let grown = false;
  for (const [vital, value] of Object.entries(card.vitals)) {
    if (!VITALS[vital]?.range || value.value === null) continue;
    series[vital] ??= [];
    let stream = series[vital].find((held) => held.device === value.device_id);
    if (!stream) {
      stream = { device: value.device_id, bucketMs: 0, points: [] };
      series[vital].push(stream);
    }
    const t = Date.parse(value.measured_at);
    const last = stream.points[stream.points.length - 1];
    if (last && t <= last.t) continue;
    stream.points.push(point({ at: value.measured_at, value: value.value, quality: value.quality, received_at: value.received_at }, 0));
    grown = true;
  }
  return grown;
}

const HOUR_MS = 60 * MINUTE_MS;
const againAfter = (rangeMs) => Math.max(MINUTE_MS / 2, Math.min(rangeMs / 480, 10 * MINUTE_MS));

export class History {
  /** "loading" | "ready" | "failed" */
  state = signal("loading");
  /** grows with each change of `series` and `scores` */
  version = signal(0);
  series = {};
  scores = [];
  /** as they were in force, with whose they were */
  limits = [];
  /** what is usual for the person, by vital: hours of {from, to, low, high}; of a day at most */
  usual = {};

  #usualOf = -1;
  #id;
  #vitals;
  #rangeMs;
  #stops = [];
  #live = true;

  constructor(id, vitals, rangeMs) {
    this.#id = id;
    this.#vitals = vitals.flatMap((vital) => (vital === "bp" ? ["bp_sys", "bp_dia"] : [vital]));
    this.#rangeMs = rangeMs;
    this.#read();
    const timer = setInterval(() => this.#read(), againAfter(rangeMs));
    this.#stops.push(() => clearInterval(timer));
    this.#stops.push(
      effect(() => {
        const card = cards.get(id)?.value;
        if (card && !isLong(rangeMs) && this.state.value === "ready" && extend(this.series, card)) this.version.value = this.version.peek() + 1;
      }),
    );
    let was = link.peek().state;
    this.#stops.push(
      effect(() => {
        const { state } = link.value;
        if (state === "live" && was === "lost") this.#read(); // what was missed while blind
        was = state;
      }),
      effect(() => {
        if (jumps.value) this.#read(); // other times lie in the range now
      }),
    );
  }

  async #read() {
    const to = serverNow();
    const long = isLong(this.#rangeMs);
    const from = to - this.#rangeMs - (long ? (to - this.#rangeMs) % HOUR_MS : 0); // whole hours: the store has sums of them
    const span = `from=${encodeURIComponent(new Date(from).toISOString())}&to=${encodeURIComponent(new Date(to).toISOString())}`;
    const names = this.#vitals.map((vital) => `vital=${vital}`).join("&");
    try {
      const [vitals, scores, limits] = await Promise.all([
        get(ofPatient(this.#id, `vitals?${names}&${span}&points=${POINTS}`)),
        get(ofPatient(this.#id, `scores?${span}&${long ? `points=${POINTS}` : "limit=2000"}`)),
        get(`api/v1/policies/patients/${encodeURIComponent(this.#id)}/limits?${span}`).catch(() => null), // the values stay right without
      ]);
      if (!this.#live) return;
      if (!long) this.#readUsual(names, span, Math.floor(to / HOUR_MS));
      this.series = readSeries(vitals);
      this.scores = scores.items;
      this.limits = limits?.items ?? [];
      this.state.value = "ready";
      this.version.value = this.version.peek() + 1;
    } catch {
      if (this.#live && this.state.peek() === "loading") this.state.value = "failed";
    }
  }

  /** Once an hour, as two days and more are read for it; the charts do not wait. */
  async #readUsual(names, span, hour) {
    if (hour === this.#usualOf) return;
    this.#usualOf = hour; // at once: the next reading must not ask again while this one waits
    const found = await get(ofPatient(this.#id, `usual?${names}&${span}`)).catch(() => null); // the values stay right without
    if (!found) this.#usualOf = -1;
    if (!found || !this.#live) return;
    this.usual = Object.fromEntries(found.items.map(({ vital, hours }) => [vital, hours.map((one) => ({ ...one, from: Date.parse(one.from), to: Date.parse(one.to) }))]));
    this.version.value = this.version.peek() + 1;
  }

  retry() {
    this.state.value = "loading";
    this.#read();
  }

  close() {
    this.#live = false;
    for (const stop of this.#stops) stop();
  }
}
