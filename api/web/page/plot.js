// One chart on a canvas, drawn whole each time in CSS pixels: axes, lines, gaps, bad quality, limits and alerts.
import { clock, dayOfMonth, when } from "./format.js";
import { VITALS } from "./vitals.js";
import { t } from "./words.js";

export const PLOT_INSET = { left: 46, right: 14 };
const TOP = 6;
const HEIGHT = 94;
const FOOT = 4;
const TIMES = 22;
const SCORE_RANGE = { range: [0, 12], grow: 4, bounds: [0, 20] };
const MINUTES_APART = [5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 10080];

const TOKENS = { grid: "surface-2", limit: "high-text", high: "high-edge", medium: "medium-edge", low: "low-edge" };

function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["line", "muted", "surface", "band", "stale", "font", ...Object.keys(TOKENS)];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${TOKENS[name] ?? name}`).trim()]));
}

/** Fixed range of a vital, made larger by whole steps when a value leaves it. */
export function yRange(vital, values) {
  const { range, grow, bounds } = vital === "score" ? SCORE_RANGE : VITALS[vital === "bp" ? "bp_sys" : vital];
  let [low, high] = vital === "bp" ? [40, 200] : range;
  let changed = false;
  for (const value of values) {
    while (value < low && low > bounds[0]) {
      low = Math.max(bounds[0], low - grow);
      changed = true;
    }
    while (value > high && high < bounds[1]) {
      high = Math.min(bounds[1], high + grow);
      changed = true;
    }
  }
  return { low, high, changed };
}

const inner = (width) => width - PLOT_INSET.left - PLOT_INSET.right;

/** Where a time lies, px from the left edge. */
export const xOf = ({ from, to }, width, at) => PLOT_INSET.left + ((at - from) / (to - from)) * inner(width);

/** The time at a place; null beside the plot. */
export function timeAt({ from, to }, width, x) {
  const share = (x - PLOT_INSET.left) / inner(width);
  return share >= 0 && share <= 1 ? from + share * (to - from) : null;
}

/** The canvas made empty, its plot area, and where a time and a value lie on it. */
function frameOf(canvas, model, width, last) {
  const height = TOP + HEIGHT + FOOT + (last ? TIMES : 0);
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  const bottom = TOP + HEIGHT;
  const y = (value) => bottom - ((value - model.low) / (model.high - model.low)) * HEIGHT;
  return { ctx, c: colours(), left: PLOT_INSET.left, right: width - PLOT_INSET.right, bottom, x: (at) => xOf(model, width, at), y };
}

/** Round times of this screen's zone, at least 60 px apart; midnight is told by its date. */
export function timesOf({ from, to }, width) {
  const least = ((to - from) / 60_000) * (60 / inner(width));
  const apart = MINUTES_APART.find((minutes) => minutes >= least) ?? 20160;
  const times = [];
  const at = new Date(from);
  at.setHours(0, 0, 0, 0);
  for (; at <= to; at.setMinutes(at.getMinutes() + apart)) if (at >= from) times.push({ at: +at, text: clock(at) === "00:00" ? dayOfMonth(at) : clock(at) });
  return times;
}

/** Round values at least 26 px apart. */
export function valuesOf({ low, high }) {
  const least = ((high - low) * 26) / HEIGHT;
  const ten = 10 ** Math.floor(Math.log10(least));
  const apart = [1, 2, 5, 10].map((n) => n * ten).find((step) => step >= least);
  const values = [];
  for (let value = Math.ceil(low / apart) * apart; value <= high; value += apart) values.push(value);
  return values;
}

function stroke(ctx, colour, width, path) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.beginPath();
  path();
  ctx.stroke();
}

function line(ctx, x0, y0, x1, y1) {
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
}

function drawAxes({ ctx, c, left, right, bottom, x, y }, model, times, last) {
  const values = valuesOf(model);
  stroke(ctx, c.grid, 1, () => {
    for (const value of values) line(ctx, left, y(value), right, y(value));
    for (const { at } of times) line(ctx, x(at), TOP, x(at), bottom + (last ? FOOT : 0));
  });
  ctx.fillStyle = c.muted;
  ctx.font = `12px ${c.font}`;
  ctx.textAlign = "right";
  for (const value of values) ctx.fillText(value, left - 6, y(value) + 4);
  ctx.textAlign = "center";
  if (last) for (const { at, text } of times) ctx.fillText(text, x(at), bottom + 18);
  ctx.textAlign = "left";
  ctx.font = `11px ${c.font}`;
}

function drawNoData({ ctx, c, left, right, bottom, x }, gaps) {
  for (const [from, to] of gaps) {
    const x0 = Math.max(left, x(from));
    const x1 = Math.min(right, x(to));
    if (x1 - x0 < 3) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(x0, TOP, x1 - x0, HEIGHT);
    ctx.clip();
    stroke(ctx, c.grid, 2, () => {
      for (let at = x0 - HEIGHT; at < x1; at += 8) line(ctx, at, bottom, at + HEIGHT, TOP);
    });
    const text = t("chart.no_data", { from: when(from, to), to: clock(to) });
    const width = ctx.measureText(text).width;
    if (width + 8 < x1 - x0) {
      const start = (x0 + x1 - width) / 2;
      ctx.fillStyle = c.surface;
      ctx.fillRect(start - 3, bottom - 18, width + 6, 16);
      ctx.fillStyle = c.muted;
      ctx.fillText(text, start, bottom - 6);
    }
    ctx.restore();
  }
}

/** Points that one line may join: it ends at a gap, and bad values are no part of it. */
export function pieces({ points, gapMs, joined }) {
  const found = [];
  let before = null;
  for (const p of points) {
    if (p.bad || p.v === null) continue;
    if (joined && before !== null && p.t - before <= gapMs) found[found.length - 1].push(p);
    else found.push([p]);
    before = p.t;
  }
  return found;
}

/** A piece of one point, and points far apart, are dots; else the line alone can be read. */
function drawTrack({ ctx, c, x, y, left, right }, track) {
  if (track.own) return;
  const sparse = track.points.length * 10 < right - left;
  ctx.fillStyle = c.line;
  for (const piece of pieces(track)) {
    stroke(ctx, c.line, 1.5, () => piece.forEach((p) => ctx.lineTo(x(p.t), y(p.v))));
    if (piece.length > 1 && !sparse) continue;
    ctx.beginPath();
    for (const p of piece) {
      ctx.moveTo(x(p.t), y(p.v));
      ctx.arc(x(p.t), y(p.v), 2.5, 0, 7);
    }
    ctx.fill();
  }
}

/** One that was set anew to the same value goes on. */
function joined(limits) {
  const found = [];
  for (const limit of limits) {
    const last = found.at(-1);
    if (last?.rule === limit.rule && last.value === limit.value && last.to === limit.from) found[found.length - 1] = { ...last, to: limit.to };
    else found.push(limit);
  }
  return found;
}

/** Each as long as it was in force; a step joins it with the next of its side. Its number stands where there is room, and at the newest. */
function drawLimits({ ctx, c, left, right, bottom, x, y: yOf }, limits) {
  limits.forEach((limit, i) => {
    const next = limits[i + 1]?.rule === limit.rule ? limits[i + 1] : null;
    const y = Math.min(bottom, Math.max(TOP, yOf(limit.value)));
    const start = Math.max(left, x(limit.from));
    const end = Math.min(right, x(limit.to));
    if (end <= left) return;
    const shown = y === yOf(limit.value);
    ctx.setLineDash([6, 4]);
    stroke(ctx, c.limit, 1, () => {
      if (shown) line(ctx, start, y, end, y);
      if (next?.from === limit.to) line(ctx, end, y, end, Math.min(bottom, Math.max(TOP, yOf(next.value))));
    });
    ctx.setLineDash([]);
    const text = t("chart.limit", { value: limit.value });
    const width = ctx.measureText(text).width + 4;
    if (!shown || (next && end - start < width + 8)) return;
    const at = Math.min(start, right - width - 2) + 2;
    const above = y - TOP > 16 && (limit.side === "high" || bottom - y <= 16);
    ctx.fillStyle = c.surface;
    ctx.fillRect(at, above ? y - 14 : y + 2, width, 12);
    ctx.fillStyle = c.limit;
    ctx.fillText(text, at + 2, above ? y - 4 : y + 12);
  });
}

const GLYPH = { high: "◆", medium: "▲", low: "■" };

function drawAlerts({ ctx, c, bottom, x: xOfTime }, marks) {
  for (const mark of marks) {
    const x = xOfTime(mark.from);
    stroke(ctx, c[mark.priority], 2, () => line(ctx, x, TOP, x, bottom));
    ctx.fillStyle = c[mark.priority];
    ctx.fillText(GLYPH[mark.priority], x + 3, TOP + 11);
  }
}

/** Spread of each bucket: thin bars from lowest to highest, so that a short dip never hides in a mean; bold where one reaches
 * farther than is common in this chart. */
function drawSpread({ ctx, c, x, y }, points) {
  const wide = points.filter((p) => !p.bad && p.v !== null && p.max !== p.min);
  const reach = (p) => Math.max(y(p.min) - y(p.v), y(p.v) - y(p.max));
  const common = points.map((p) => (p.v === null ? 0 : reach(p))).sort((a, b) => a - b)[points.length >> 1];
  const bold = wide.filter((p) => reach(p) > Math.max(10, 2 * common));
  const bars = (some) => some.forEach((p) => line(ctx, x(p.t), y(p.min), x(p.t), y(p.max)));
  ctx.globalAlpha = 0.35;
  stroke(ctx, c.line, 1, () => bars(wide));
  ctx.globalAlpha = 1;
  stroke(ctx, c.line, 2, () => bars(bold));
}

/** Bad quality: hollow ✕ at its place (at the bottom when there is no number, or only some of a bucket is bad); late: a foot; by hand: a square. */
function drawMarks({ ctx, c, left, right, bottom, x: xOfTime, y: yOf }, points) {
  let before = -Infinity;
  for (const p of points) {
    const bad = p.bad || p.partly;
    if (!bad && !p.late && !p.manual) continue;
    const x = xOfTime(p.t);
    if (x < left || x > right || x - before < 8) continue; // one sign per 8 px can be read
    before = x;
    const y = p.v === null || p.partly ? bottom - 6 : yOf(p.v);
    const r = 3.5;
    stroke(ctx, bad ? c.stale : c.line, 1.25, () => {
      if (bad) {
        line(ctx, x - r, y - r, x + r, y + r);
        line(ctx, x - r, y + r, x + r, y - r);
      } else if (p.manual) ctx.rect(x - r, y - r, 2 * r, 2 * r);
      if (!p.late) return;
      line(ctx, x - r, bottom - 2, x + r, bottom - 2);
      ctx.lineTo(x, bottom - 8);
    });
  }
}

/** Systolic and diastolic of one measurement: one vertical bar with two ends. */
function drawPressure({ ctx, c, x: xOfTime, y }, pairs) {
  stroke(ctx, c.line, 2, () => {
    for (const { t: at, high, low } of pairs) {
      const x = xOfTime(at);
      for (const v of [high, low]) if (v !== null) line(ctx, x - 4, y(v), x + 4, y(v));
      if (high !== null && low !== null) line(ctx, x, y(high), x, y(low));
    }
  });
}

/** What is usual for the person: an area of one step an hour, behind everything else. */
function drawUsual({ ctx, c, left, right, bottom, x, y }, hours) {
  ctx.fillStyle = c.band;
  for (const hour of hours) {
    const start = Math.floor(Math.max(left, x(hour.from)));
    const top = Math.max(TOP, y(hour.high));
    ctx.fillRect(start, top, Math.floor(Math.min(right, x(hour.to))) - start, Math.max(0, Math.min(bottom, y(hour.low)) - top));
  }
}

/** Score over time: lower bound as a line, an area up to the upper bound while it is partial. */
function drawScore({ ctx, c, x, y }, spans) {
  for (const span of spans) {
    const width = Math.max(1, x(span.to) - x(span.from));
    ctx.fillStyle = c.band;
    ctx.fillRect(x(span.from), y(span.upper), width, y(span.lower) - y(span.upper));
    ctx.fillStyle = c.line;
    ctx.fillRect(x(span.from), y(span.lower) - 1, width, 2);
  }
}

/** Draws {from, to, low, high, usual, gaps, limits, marks, points, pairs, spans, tracks}; the last chart of a stack has the times. */
export function drawPlot(canvas, model, width, last) {
  const frame = frameOf(canvas, model, width, last);
  const { ctx, left, right, bottom } = frame;
  drawUsual(frame, model.usual);
  drawAxes(frame, model, timesOf(model, width), last);
  ctx.beginPath();
  ctx.rect(left, TOP, right - left, bottom - TOP);
  ctx.clip();
  drawNoData(frame, model.gaps);
  drawLimits(frame, joined(model.limits)); // under the values: the plate of a number must hide none
  for (const track of model.tracks) drawTrack(frame, track);
  drawSpread(frame, model.points);
  drawPressure(frame, model.pairs);
  drawScore(frame, model.spans);
  drawMarks(frame, model.points);
  drawAlerts(frame, model.marks);
}
