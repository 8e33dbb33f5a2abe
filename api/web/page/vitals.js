// How each vital is shown. Ranges of sparks and charts are fixed, so that tiles compare (design page, section 3).
// `every` = expected seconds between values, `null` for spot checks; half a trend arrow is half of `step`.

import { isAhead } from "./format.js";

export const VITALS = {
  spo2: { digits: 0, unit: "%", range: [84, 100], grow: 5, bounds: [50, 100], every: 1 },
  resp_rate: { digits: 0, unit: "/min", range: [6, 36], grow: 10, bounds: [0, 100], every: 1 },
  heart_rate: { digits: 0, unit: "/min", range: [40, 140], grow: 20, bounds: [0, 350], every: 1 },
  bp_sys: { digits: 0, unit: "mmHg", range: [80, 200], grow: 20, bounds: [20, 320], every: null },
  bp_dia: { digits: 0, unit: "mmHg", range: [40, 200], grow: 20, bounds: [10, 220], every: null },
  body_temp: { digits: 1, unit: "°C", range: [35, 40], grow: 1, bounds: [25, 46], every: null },
  consciousness: { digits: 0, unit: "", range: null, every: null },
  o2_flow: { digits: 1, unit: "L/min", range: null, every: null },
  fio2: { digits: 0, unit: "%", range: null, every: null },
};

/** Of what has limits, but no place of its own on the page. */
const OTHER_UNITS = { bp_mean: "mmHg", skin_temp: "°C", body_weight: "kg", glucose_mgdl: "mg/dL", glucose_mmol: "mmol/L", perfusion_index: "%", steps: "steps", hrv_rmssd: "ms", battery_level: "%", rssi: "dBm" };

export const unitOf = (vital) => VITALS[vital]?.unit ?? OTHER_UNITS[vital] ?? "";

/** On every tile, in this order; blood pressure is one cell of two vitals. */
export const TILE_VITALS = ["spo2", "resp_rate", "heart_rate", "bp", "body_temp"];

/** Charts from the top down, as on the paper chart nurses know. */
export const CHART_VITALS = ["resp_rate", "spo2", "bp", "heart_rate", "body_temp"];

export const VALUE_VITALS = ["resp_rate", "spo2", "o2_flow", "fio2", "bp", "heart_rate", "consciousness", "body_temp"];

const CONTINUOUS_STALE_MS = 300_000; // HTTP contract: a continuous value is fresh for 300 s

const ORDER = { fresh: 0, stale: 1, old: 2 };

/** fresh, stale or old: the worse of the server's word and what the age says meanwhile. */
export function freshness(vital, value, nowMs) {
  if (!value || VITALS[vital]?.every === null || VITALS[vital] === undefined) return value?.state ?? "old";
  const age = nowMs - Date.parse(value.measured_at);
  const byAge = isAhead(age) ? "old" : age <= CONTINUOUS_STALE_MS ? "fresh" : age <= 3 * CONTINUOUS_STALE_MS ? "stale" : "old";
  return ORDER[byAge] > ORDER[value.state ?? "fresh"] ? byAge : value.state ?? byAge;
}

const PART_OF = { o2_flow: "oxygen", fio2: "oxygen", bp: "bp_sys" };

/** The part of a score that belongs to a shown vital; null when the score does not use it. */
export const scorePart = (score, vital) => score?.parts?.find((part) => part.name === (PART_OF[vital] ?? vital)) ?? null;

/** The vital a rule is about: `limit.spo2.low` -> spo2; "score" for a score's rule; null for missing data. */
export function vitalOfAlert(alert) {
  if (alert.rule.startsWith("news2")) return "score";
  const named = alert.evidence?.limit?.vital ?? alert.evidence?.values?.[0]?.vital;
  if (named) return named;
  return alert.rule.split(".").find((word) => word in VITALS) ?? null;
}

export const chartOf = (vital) => (vital === "bp_sys" || vital === "bp_dia" ? "bp" : vital);
