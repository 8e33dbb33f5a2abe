// Charts of one patient on one shared time axis, each with its table; limits, alerts, gaps and bad quality on them.
import { html, signal, useEffect, useMemo, useRef, useState } from "../page/html.js";
import { boundsText, clock, number, when } from "../page/format.js";
import { History, gapLimit, scoreHolds } from "../page/history.js";
import { ofPatient } from "../page/http.js";
import { partsText } from "../page/parts.js";
import { PLOT_INSET, drawPlot, timeAt, xOf, yRange } from "../page/plot.js";
import { useRead } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { limitSetter } from "../page/staff.js";
import { VITALS, chartOf, vitalOfAlert } from "../page/vitals.js";
import { alertOf, isOpen, openAlertsOf } from "../page/ward.js";
import { t } from "../page/words.js";
import { AlertSpans } from "./alert_spans.js";
import { ValueTable } from "./value_table.js";

const dark = signal(matchMedia("(prefers-color-scheme: dark)").matches);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
  dark.value = event.matches;
});

function gapsOf(points, gapMs, from, to) {
  if (!gapMs || !points.length) return [];
  const gaps = [];
  let before = Math.max(from, points[0].t);
  for (const p of points) {
    if (p.t - before > gapMs) gaps.push([before, p.t]);
    before = Math.max(before, p.t);
  }
  if (to - before > Math.max(gapMs, 30_000)) gaps.push([before, to]);
  return gaps;
}

/** Limits of a chart as they were in force, by vital and side, oldest first. */
function limitsOf(vital, spans, to) {
  return spans
    .filter((span) => chartOf(span.vital) === vital)
    .map((span) => ({ ...span, rule: span.vital + span.side, value: span.limit, from: Date.parse(span.from), goesOn: !span.to, to: span.to ? Date.parse(span.to) : to }));
}

/** Everything one chart shows. Streams of several devices stay apart; they are never joined with one another. */
export function modelOf(vital, history, from, to, marks) {
  const limits = limitsOf(vital, history.limits, to);
  const usual = (history.usual?.[vital === "bp" ? "bp_sys" : vital] ?? []).filter((hour) => hour.to > from && hour.from < to);
  const model = { vital, from, to, usual, gaps: [], limits, marks, points: [], pairs: [], spans: [], tracks: [], newest: null };
  if (vital === "score") return scoreModel(model, history.scores);
  const streams = history.series[vital === "bp" ? "bp_sys" : vital] ?? [];
  for (const stream of streams) {
    const points = stream.points.filter((p) => p.t >= from);
    const gapMs = gapLimit(vital === "bp" ? "bp_sys" : vital, points, stream.bucketMs);
    model.tracks.push({ points, gapMs, joined: gapMs > 0, own: vital === "bp" });
    model.points.push(...points);
    if (streams.length === 1) model.gaps = gapsOf(points, gapMs, from, to);
  }
  if (vital === "bp") model.pairs = pairsOf(history, from);
  const good = model.points.filter((p) => !p.bad && p.v !== null);
  const lows = vital === "bp" ? model.pairs.map((pair) => pair.low ?? pair.high) : good.map((p) => p.min);
  Object.assign(model, yRange(vital, [...lows, ...good.map((p) => p.max)]));
  model.newest = good.reduce((best, p) => (best && best.t >= p.t ? best : p), null);
  return model;
}

function pairsOf(history, from) {
  const pairs = new Map();
  for (const [name, end] of [["bp_sys", "high"], ["bp_dia", "low"]]) {
    for (const stream of history.series[name] ?? []) {
      for (const p of stream.points) {
        if (p.t < from || p.bad || p.v === null) continue;
        if (!pairs.has(p.t)) pairs.set(p.t, { t: p.t, high: null, low: null, late: p.late, manual: p.manual, partly: p.partly });
        pairs.get(p.t)[end] = p.v;
      }
    }
  }
  return [...pairs.values()].sort((a, b) => a.t - b.t);
}

function scoreModel(model, scores) {
  const known = scores.filter((score) => score.status !== "not_applicable" && Date.parse(score.at) >= model.from);
  const holds = scoreHolds(model.to - model.from);
  model.spans = known.map((score, i) => {
    const at = Date.parse(score.at);
    const until = i + 1 < known.length ? Date.parse(known[i + 1].at) : model.to;
    const lower = score.status === "complete" ? score.total : score.lower;
    const upper = score.status === "complete" ? score.total : score.upper;
    return { from: at, to: Math.min(until, at + holds), lower, upper, score };
  });
  model.points = model.spans.map((span) => ({ t: span.from, v: span.lower, min: span.lower, max: span.lower, bad: false, late: 0, manual: false }));
  model.tracks = [{ points: model.points, gapMs: 0, joined: false, own: true }];
  Object.assign(model, yRange("score", model.spans.map((span) => span.upper)));
  model.newest = model.spans[model.spans.length - 1] ?? null;
  return model;
}

const unitOf = (vital) => (vital === "score" ? "" : VITALS[vital === "bp" ? "bp_sys" : vital].unit);
const digitsOf = (vital) => (vital === "score" ? 0 : VITALS[vital === "bp" ? "bp_sys" : vital].digits);

const spanAt = (model, at) => [...model.spans].reverse().find((each) => each.from <= at && at <= each.to);

function textAt(model, at) {
  const { vital } = model;
  if (vital === "score") {
    const span = spanAt(model, at);
    return span ? boundsText(span) : "—";
  }
  const reach = Math.max((model.to - model.from) / 200, 2000);
  let best = null;
  for (const p of vital === "bp" ? model.pairs : model.points) {
    const far = Math.abs(p.t - at);
    if (far <= reach && (!best || far < Math.abs(best.t - at))) best = p;
  }
  if (!best) return "—";
  if (vital === "bp") return `${best.high ?? "—"}/${best.low ?? "—"}`;
  if (best.bad) return `✕ ${t("value.bad_signal")}`;
  return best.min === best.max ? number(best.v, digitsOf(vital)) : `${number(best.min, digitsOf(vital))}–${number(best.max, digitsOf(vital))}`;
}

/** The limits that were in force at a moment, the numbers before whose they were, as a phone has no room for all. */
function limitsAt(model, at) {
  const bySetter = new Map();
  for (const limit of model.limits.filter((each) => each.from <= at && at < each.to)) {
    const setter = limitSetter(limit);
    bySetter.set(setter, [...(bySetter.get(setter) ?? []), t("chart.limit", limit)]);
  }
  return [...bySetter].map(([setter, limits]) => `${limits.join(" · ")} (${setter})`).join(" · ");
}

/** Of a score, what it was made of. */
const behindAt = (model, at) => (model.vital === "score" ? partsText(spanAt(model, at)?.score) : limitsAt(model, at));

function summary(model, title) {
  if (!model.newest) return t("chart.summary_none", { title });
  const values = { title, from: when(model.from, model.to), to: clock(model.to), unit: unitOf(model.vital), newest: textAt(model, model.newest.t ?? model.newest.from) };
  const good = model.points.filter((p) => !p.bad && p.v !== null);
  values.low = number(Math.min(...good.map((p) => p.min)), digitsOf(model.vital));
  values.high = number(Math.max(...good.map((p) => p.max)), digitsOf(model.vital));
  return t("chart.summary", values);
}

const KEY_STEPS = 60; // of a range, from one end to the other

/** The cursor by keys: a step left or right, to either end. */
function movedBy(key, { from, to: end }, at) {
  const to = end - 1; // what is in force until then is so before it
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (step) return Math.min(to, Math.max(from, at + (step * (to - from)) / KEY_STEPS));
  return { Home: from, End: to }[key] ?? null;
}

function Plot({ model, width, last, cursor, title }) {
  const canvas = useRef(null);
  useEffect(() => drawPlot(canvas.current, model, width, last), [model, width, last, dark.value]);
  const at = cursor.value;
  const follow = (event) => {
    cursor.value = timeAt(model, width, event.offsetX);
  };
  const leave = () => {
    cursor.value = null;
  };
  const here = at ?? model.to - 1;
  const onKey = (event) => {
    const moved = movedBy(event.key, model, here);
    if (moved === null) return;
    event.preventDefault();
    event.stopPropagation(); // a list beside it has the same keys
    cursor.value = moved;
  };
  const said = [when(here, now.peek()), textAt(model, here), behindAt(model, here)].filter(Boolean).join(", ");
  return html`<div
    class="plot"
    role="slider"
    tabindex="0"
    aria-label=${summary(model, title)}
    aria-valuemin=${model.from}
    aria-valuemax=${model.to}
    aria-valuenow=${Math.round(here)}
    aria-valuetext=${said}
    onPointerMove=${follow}
    onPointerLeave=${leave}
    onKeyDown=${onKey}
    onBlur=${leave}
  >
    <canvas ref=${canvas} aria-hidden="true"></canvas>
    ${at !== null && html`<i style=${{ left: `${xOf(model, width, at)}px` }}></i>`}
  </div>`;
}

/** The legend of the area: the range at a moment, else the newest, and in words where it comes from. */
function Usual({ model, at }) {
  const then = at !== null && model.usual.find((hour) => hour.from <= at && at < hour.to);
  const { low, high } = then || model.usual[model.usual.length - 1];
  const text = t(model.vital === "bp" ? "chart.usual_systolic" : "chart.usual", { low: number(low, digitsOf(model.vital)), high: number(high, digitsOf(model.vital)) });
  return html`<span class="usual" title=${t("chart.usual_what")}><i aria-hidden="true"></i>${text}<span class="for-readers">. ${t("chart.usual_what")}</span></span>`;
}

export function Chart({ model, width, last, cursor, asTable }) {
  const title = model.vital === "score" ? t("score.news2") : t(`vital.${model.vital}`);
  const at = cursor.value;
  return html`<section class="chart" data-vital=${model.vital}>
    <h4>
      ${title} <span class="unit">${unitOf(model.vital)}</span>
      ${model.usual.length > 0 && html`<${Usual} model=${model} at=${at} />`}
      ${model.changed && html`<span class="muted">${t("chart.scale_changed")}</span>`}
      ${at !== null && !asTable && html`<span class="at-cursor"><time>${when(at, now.value)}</time> <b>${textAt(model, at)}</b></span> <span class="limits-then muted">${behindAt(model, at)}</span>`}
    </h4>
    ${asTable
      ? html`<${ValueTable} model=${model} title=${title} digits=${digitsOf(model.vital)} unit=${unitOf(model.vital)} />`
      : model.points.length || model.pairs.length
        ? width > 0 && html`<${Plot} model=${model} width=${width} last=${last} cursor=${cursor} title=${title} />`
        : html`<p class="muted none">${t("chart.none")}</p>`}
  </section>`;
}

export function useWidth(element) {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** {state, items}: the open alerts as the stream tells them, and those that are over as they were last read, which `state` says. */
export function useAlerts(patientId) {
  const open = openAlertsOf(patientId).map((id) => alertOf(id)).filter(Boolean);
  const stamp = open.map((alert) => `${alert.id}${alert.version}`).join();
  const [{ state, body }] = useRead(ofPatient(patientId, "alerts?state=all&limit=200"), stamp);
  const known = new Set(open.map((alert) => alert.id));
  return { state, items: [...open, ...(body?.items ?? []).filter((alert) => !known.has(alert.id) && !isOpen(alert))] };
}

/** `alerts`: of this person. */
export function Charts({ patientId, alerts, only, rangeMs, asTable = false, withSpans = false }) {
  const host = useRef(null);
  const width = useWidth(host);
  const cursor = useMemo(() => signal(null), []);
  const history = useMemo(() => new History(patientId, only.filter((vital) => vital !== "score"), rangeMs), [patientId, rangeMs, only.join()]);
  useEffect(() => () => history.close(), [history]);
  const step = Math.max(1000, rangeMs / 4000); // less than a screen pixel
  const to = Math.ceil(now.value / step) * step;
  const from = to - rangeMs;
  const version = history.version.value;
  const state = history.state.value;
  const alertStamp = alerts.map((alert) => `${alert.id}${alert.version}`).join();
  const models = useMemo(
    () =>
      only.map((vital) => {
        const marks = alerts
          .filter((alert) => chartOf(vitalOfAlert(alert)) === vital)
          .map((alert) => ({ from: Date.parse(alert.onset_at), priority: alert.peak_priority ?? alert.priority }));
        return modelOf(vital, history, from, to, marks);
      }),
    [history, version, from, to, alertStamp, only.join()],
  );
  return html`<div class="charts" ref=${host}>
    ${state === "loading" && html`<p class="muted" aria-busy="true">${t("chart.loading")}</p>`}
    ${state === "failed" && html`<p class="notice">${t("chart.failed")} <button onClick=${() => history.retry()}>${t("ack.try_again")}</button></p>`}
    ${state === "ready" &&
    html`${models.map(
      (model, i) =>
        html`<${Chart} key=${model.vital} model=${model} width=${width} last=${i === models.length - 1} cursor=${cursor} asTable=${asTable} />`,
    )}
    ${withSpans && html`<${AlertSpans} alerts=${alerts} from=${from} to=${to} inset=${PLOT_INSET} />`}`}
  </div>`;
}

/** Where nobody else needs the person's alerts. */
export const PatientCharts = (props) => html`<${Charts} ...${props} alerts=${useAlerts(props.patientId).items} />`;
