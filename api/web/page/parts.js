// Small parts that every view uses: badge, name, age, value, score, coverage, spark.
import { html, useMemo } from "./html.js";
import { waits } from "./calls.js";
import { age, boundsText, clock, duration, number } from "./format.js";
import { now } from "./server_time.js";
import { VITALS, freshness } from "./vitals.js";
import { isUnverified, lookOf } from "./ward.js";
import { known, t, whyOf } from "./words.js";

const SHAPES = { physiological: { high: "◆", medium: "▲", low: "■" }, technical: { high: "◇", medium: "△", low: "□" } };

const Wrench = () => html`<svg class="wrench" viewBox="0 0 12 12" aria-hidden="true">
  <path d="M8.2 1.1a3 3 0 0 0-3 3.9L1.3 8.9a1.1 1.1 0 0 0 0 1.5l.3.3a1.1 1.1 0 0 0 1.5 0L7 6.8a3 3 0 0 0 3.9-3.6L9.2 4.9 7.3 4.7 7.1 2.8z" />
</svg>`;

/** Priority as shape, word and colour; only the 20 px shape flashes, and only while it waits for somebody. */
export function Badge({ alert, count = 1 }) {
  const flashing = waits(alert) && alert.state === "active" && !alert.retrospective;
  const words = [t(`badge.${alert.priority}`)];
  if (count > 1) words.push(String(count));
  const look = lookOf(alert);
  return html`<span class=${`badge ${alert.priority} ${look}`}>
    <span class=${`shape ${flashing ? "flash" : ""}`} aria-hidden="true">${SHAPES[look][alert.priority]}</span>
    ${alert.retrospective && html`<span aria-label=${t("alert.retrospective")} title=${t("alert.retrospective")}>↩</span>`}
    ${alert.amended && html`<span aria-label=${t("alert.amended")} title=${t("alert.amended")}>↺</span>`}
    ${flashing && html`<span class="new-word">${t("badge.new")}</span>`}
    ${words.join(" ")}
    ${isUnverified(alert) && html`<span aria-label=${t("quality.unverified")} title=${t("quality.unverified")}>✕</span>`}
    ${look === "technical" && html`<${Wrench} />`}
  </span>`;
}

/** Alerts about Vigil itself belong to nobody; without the right to names, the id stands for the person. */
const unnamed = (card, id) => card?.id ?? (id || t("platform.name"));

/** A name is text in its own direction, never markup. */
export function Name({ card, id }) {
  if (!card?.name) return html`<bdi class="name">${unnamed(card, id)}</bdi>`;
  const { family, given } = card.name;
  const whole = `${family}, ${given}`;
  return html`<bdi class="name" title=${whole}><span class="family">${family}</span>, ${given}</bdi>`;
}

export const plainName = (card, id) => (card?.name ? `${card.name.family}, ${card.name.given}` : unnamed(card, id));

export function Person({ card, id }) {
  const sex = card?.sex ? t(`sex.${card.sex}`) : "";
  return html`<${Name} card=${card} id=${id} /> <span class="about">${card?.age ?? ""}${sex && ` ${sex}`}${
    card?.name ? html` <span class="pid">${t("patient.id", { id })}</span>` : null
  }</span>`;
}

/** Age of a measurement by the server's clock. `state` stale adds "!"; old says when the last value was. */
export function Age({ at, state }) {
  const ms = now.value - Date.parse(at);
  const text = age(ms);
  if (state === "fresh") return html`<span class="age">${text}</span>`;
  return html`<span class="age late">${text}<span aria-hidden="true">!</span><span class="for-readers">${t("value.stale")}</span></span>`;
}

const isManual = (value) => value.quality_words?.includes("manual");
const LATE_MS = 60_000;
const isLate = (value) => Date.parse(value.received_at) - Date.parse(value.measured_at) > LATE_MS;

export function Marks({ value }) {
  const bad = value.value !== null && value.bad_signal_at;
  return html`${bad && html`<span class="mark bad" role="img" title=${t("value.bad_now")} aria-label=${t("value.bad_now")}>✕</span>`}
  ${isManual(value) && html`<span class="mark" title=${t("value.manual")} aria-label=${t("value.manual")} role="img">✎</span>`}
  ${isLate(value) &&
  html`<span class="mark" title=${t("value.late", { time: clock(value.received_at) })} aria-label=${t("value.late", { time: clock(value.received_at) })} role="img">↩</span>`}`;
}

export function valueText(vital, value) {
  if (vital === "consciousness") return t(`acvpu.${value.value}`);
  if (vital === "o2_flow" && value.value === 0) return t("entry.air");
  return number(value.value, VITALS[vital]?.digits ?? 0);
}

/** One value with its quality. Never a number without its state: bad = ✕, doubtful = ~, stale = struck, old = a dash. */
export function Value({ vital, value }) {
  if (!value) return html`<span class="value none">—</span>`;
  const state = freshness(vital, value, now.value);
  if (value.value === null) {
    return html`<span class="value bad"><span aria-hidden="true">✕</span> <span class="bad-words">${t("value.bad_signal")}</span></span>`;
  }
  if (state === "old") return html`<span class="value none" title=${lastWords(vital, value)}>—</span>`;
  return html`<span class=${`value ${state}`}>${value.doubtful && html`<span title=${t("value.doubtful")}>~</span>`}${valueText(vital, value)}</span>`;
}

export const lastWords = (vital, value) =>
  value.value === null ? "" : t("value.last", { value: valueText(vital, value), time: clock(value.measured_at) });

const GLYPHS = { up2: "↑", up1: "↗", flat: "→", down1: "↘", down2: "↓" };

export function Trend({ trend }) {
  if (!trend || trend === "unknown") return null; // "95?" would read as an unverified value, so too few data show no sign
  return html`<span class="trend" role="img" aria-label=${t(`trend.${trend}`)} title=${t(`trend.${trend}`)}>${GLYPHS[trend]}</span>`;
}

/** By how much the score has changed; null where its bounds do not tell. Where as much is unknown as before, both bounds moved alike. */
function changeOf(score, before) {
  const lower = score.total ?? score.lower;
  const upper = score.total ?? score.upper;
  if (lower > before.upper) return lower - before.upper;
  if (upper < before.lower) return upper - before.lower;
  return lower - before.lower === upper - before.upper ? lower - before.lower : null;
}

/** The score against what it was in the four hours before the last one: 2 points are a full arrow (design page, section 3). */
export function ScoreTrend({ score, before }) {
  if (!before || !score || score.status === "not_applicable") return null;
  const change = changeOf(score, before);
  const trend = change === null ? "unknown" : change === 0 ? "flat" : `${change > 0 ? "up" : "down"}${Math.abs(change) > 1 ? 2 : 1}`;
  const words = t("score.course", { course: t(`trend.${trend}`), before: boundsText(before) });
  return html`<span class="trend course" role="img" aria-label=${words} title=${words}
    >${GLYPHS[trend]}${trend !== "flat" && ` ${t("score.was", { before: boundsText(before) })}`}</span
  >`;
}

/** NEWS2 6, or Partial 4–7 with what is missing; never one number for an incomplete score. */
export function ScoreBox({ score }) {
  if (!score) return html`<span class="score none">${t("score.none")}</span>`;
  if (score.status === "not_applicable") return html`<span class="score none">${t("score.not_applicable", { why: whyOf(score) })}</span>`;
  const lower = score.status === "complete" ? score.total : score.lower;
  const band = lower >= 7 ? "b3" : lower >= 5 ? "b2" : score.single_3 ? "b1" : "";
  if (score.status === "complete") {
    return html`<span class="score">${t("score.news2")} <b class=${`box ${band}`}>${score.total}</b></span>`;
  }
  return html`<span class="score" title=${missingWords(score)}
    >${t("score.partial")} <b class=${`box ${band}`}>${score.lower}–${score.upper}</b>
    ${score.upper >= 5 && score.lower < 5 && html`<span class="measure">${t("score.measure_now")}</span>`}</span
  >`;
}

export const missingWords = (score) =>
  score.missing.length ? t("score.missing", { names: score.missing.map((name) => partName(name)).join(t("list.comma")) }) : "";

/** Which inputs gave how many points: "Breathing rate 3, Pulse 1". */
export const partsText = (score) =>
  (score?.parts ?? []).filter((part) => part.points > 0).map((part) => `${partName(part.name)} ${part.points}`).join(t("list.comma"));

/** Name of a vital or of a score's input. */
export const partName = (name) => (known(`vital.${name}`) ? t(`vital.${name}`) : name);

const LIGHTS = { watched: "◉", partly: "◐", paused: "‖", not_watched: "○", no_device: "–" };

/** A shape, not a traffic light: who is not watched is as visible as who is ill. */
export function Coverage({ coverage }) {
  if (!coverage) return null;
  const { state } = coverage;
  let words = t(`coverage.${state}`);
  if (state === "not_watched") {
    const forMs = now.value - Date.parse(coverage.since_at);
    words = t("coverage.not_watched_for", { time: forMs > 0 ? duration(forMs) : duration(0) });
  }
  if (coverage.until_at) words = t("coverage.paused_until", { time: clock(coverage.until_at) });
  return html`<span class=${`coverage ${state}`} title=${whyOf(coverage) || null}
    ><span aria-hidden="true">${LIGHTS[state]}</span> ${words}${state === "partly" && coverage.why && html`: ${whyOf(coverage)}`}</span
  >`;
}

const WIDTH = 88;
const HEIGHT = 20;
const SPARK_MS = 4 * 3_600_000;
const SPARK_GAP_MS = 600_000; // two of the 5 min steps that sparks come in

/** Last 4 h of one vital on a fixed range; gaps stay empty, values out of range are a mark at the edge. */
export const Spark = ({ vital, points }) => useMemo(() => (points?.length ? sparkOf(vital, points) : null), [vital, points]);

function sparkOf(vital, points) {
  const [low, high] = VITALS[vital].range;
  const end = points[points.length - 1][0];
  const x = (ms) => (WIDTH - 4) * (1 - (end - ms) / SPARK_MS);
  const y = (v) => 2 + (HEIGHT - 4) * (1 - (Math.min(high, Math.max(low, v)) - low) / (high - low));
  let path = "";
  let before = null;
  for (const [ms, v] of points) {
    if (v === null || end - ms > SPARK_MS) continue;
    path += `${before !== null && ms - before <= SPARK_GAP_MS ? "L" : "M"}${x(ms).toFixed(1)} ${y(v).toFixed(1)}`;
    before = ms;
  }
  const newest = points[points.length - 1][1];
  return html`<svg class="spark" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
    <path d=${path} />
    ${newest !== null && html`<circle cx=${x(end)} cy=${y(newest)} r="2" />`}
  </svg>`;
}
