// One chart: uPlot for axes, line and cursor; what it cannot know (gaps, bad quality, limits, alerts) is drawn here.
import uPlot from "../vendor/uplot.js";
import { clock } from "./format.js";
import { VITALS } from "./vitals.js";
import { t } from "./words.js";

const AXIS = 46;
const RIGHT = 14;
export const PLOT_INSET = { left: AXIS, right: RIGHT };
export const SCORE_RANGE = { range: [0, 12], grow: 4, bounds: [0, 20] };

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    line: get("line"),
    text: get("text"),
    muted: get("muted"),
    grid: get("surface-2"),
    surface: get("surface"),
    band: get("band"),
    stale: get("stale"),
    limit: get("high-text"),
    high: get("high-edge"),
    medium: get("medium-edge"),
    low: get("low-edge"),
    font: get("font"),
  };
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

const ratio = () => devicePixelRatio || 1;

/** Own text on the canvas: uPlot leaves its alignment behind. */
function write(ctx, size, c) {
  ctx.font = `${size * ratio()}px ${c.font}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
}

function drawNoData(u, gaps, c) {
  const { ctx, bbox } = u;
  const px = ratio();
  ctx.save();
  for (const [from, to] of gaps) {
    const x0 = Math.max(bbox.left, u.valToPos(from, "x", true));
    const x1 = Math.min(bbox.left + bbox.width, u.valToPos(to, "x", true));
    if (x1 - x0 < 3 * px) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(x0, bbox.top, x1 - x0, bbox.height);
    ctx.clip();
    ctx.strokeStyle = c.grid;
    ctx.lineWidth = 2 * px;
    ctx.beginPath();
    for (let x = x0 - bbox.height; x < x1; x += 8 * px) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    const text = t("chart.no_data", { from: clock(from), to: clock(to) });
    write(ctx, 11, c);
    const width = ctx.measureText(text).width;
    if (width + 8 * px < x1 - x0) {
      ctx.fillStyle = c.surface;
      ctx.fillRect((x0 + x1 - width) / 2 - 3 * px, bbox.top + bbox.height - 18 * px, width + 6 * px, 16 * px);
      ctx.fillStyle = c.muted;
      ctx.fillText(text, (x0 + x1 - width) / 2, bbox.top + bbox.height - 6 * px);
    }
    ctx.restore();
  }
  ctx.restore();
}

function drawLimits(u, limits, c) {
  const { ctx, bbox } = u;
  const px = ratio();
  ctx.save();
  write(ctx, 11, c);
  for (const limit of limits) {
    const y = u.valToPos(limit.value, "y", true);
    if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
    const x0 = limit.from ? Math.max(bbox.left, u.valToPos(limit.from, "x", true)) : bbox.left;
    const x1 = limit.to ? Math.min(bbox.left + bbox.width, u.valToPos(limit.to, "x", true)) : bbox.left + bbox.width;
    if (x1 <= x0) continue;
    ctx.strokeStyle = c.limit;
    ctx.lineWidth = px;
    ctx.setLineDash([6 * px, 4 * px]);
    ctx.beginPath();
    ctx.moveTo(x0, y);
    ctx.lineTo(x1, y);
    ctx.stroke();
    ctx.setLineDash([]);
    const text = t("chart.limit", { value: limit.value });
    const roomAbove = y - bbox.top > 16 * px;
    const roomBelow = bbox.top + bbox.height - y > 16 * px;
    const above = roomAbove && (limit.side === "high" || !roomBelow);
    ctx.fillStyle = c.surface;
    ctx.fillRect(bbox.left + 2 * px, above ? y - 14 * px : y + 2 * px, ctx.measureText(text).width + 4 * px, 12 * px);
    ctx.fillStyle = c.limit;
    ctx.fillText(text, bbox.left + 4 * px, above ? y - 4 * px : y + 12 * px);
  }
  ctx.restore();
}

const GLYPH = { high: "◆", medium: "▲", low: "■" };

function drawAlerts(u, marks, c) {
  const { ctx, bbox } = u;
  const px = ratio();
  ctx.save();
  write(ctx, 12, c);
  for (const mark of marks) {
    const x = u.valToPos(mark.from, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = c[mark.priority];
    ctx.lineWidth = 2 * px;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillStyle = c[mark.priority];
    ctx.fillText(GLYPH[mark.priority], x + 3 * px, bbox.top + 11 * px);
  }
  ctx.restore();
}

/** Spread of each bucket: thin bars from lowest to highest, so that a short dip never hides in a mean. */
function drawSpread(u, points, c) {
  const { ctx } = u;
  ctx.save();
  ctx.strokeStyle = c.line;
  ctx.globalAlpha = 0.35;
  ctx.lineWidth = Math.max(1, ratio());
  ctx.beginPath();
  for (const p of points) {
    if (p.bad || p.v === null || p.max === p.min) continue;
    const x = u.valToPos(p.t, "x", true);
    ctx.moveTo(x, u.valToPos(p.min, "y", true));
    ctx.lineTo(x, u.valToPos(p.max, "y", true));
  }
  ctx.stroke();
  ctx.restore();
}

/** Bad quality: hollow ✕ at its place (at the bottom when there is no number, or only some of a bucket is bad); late: a foot; by hand: a square. */
function drawMarks(u, points, c) {
  const { ctx, bbox } = u;
  const px = ratio();
  ctx.save();
  ctx.lineWidth = 1.25 * px;
  let before = -Infinity;
  for (const p of points) {
    const bad = p.bad || p.partly;
    if (!bad && !p.late && !p.manual) continue;
    const x = u.valToPos(p.t, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width || x - before < 8 * px) continue; // one sign per 8 px can be read
    before = x;
    const y = p.v === null || p.partly ? bbox.top + bbox.height - 6 * px : u.valToPos(p.v, "y", true);
    const r = 3.5 * px;
    ctx.strokeStyle = bad ? c.stale : c.line;
    ctx.beginPath();
    if (bad) {
      ctx.moveTo(x - r, y - r);
      ctx.lineTo(x + r, y + r);
      ctx.moveTo(x - r, y + r);
      ctx.lineTo(x + r, y - r);
    } else if (p.manual) ctx.rect(x - r, y - r, 2 * r, 2 * r);
    if (p.late) {
      ctx.moveTo(x - r, bbox.top + bbox.height - 2 * px);
      ctx.lineTo(x + r, bbox.top + bbox.height - 2 * px);
      ctx.lineTo(x, bbox.top + bbox.height - 8 * px);
    }
    ctx.stroke();
  }
  ctx.restore();
}

/** Systolic and diastolic of one measurement: one vertical bar with two ends. */
function drawPressure(u, pairs, c) {
  const { ctx } = u;
  const px = ratio();
  ctx.save();
  ctx.strokeStyle = c.line;
  ctx.lineWidth = 2 * px;
  ctx.beginPath();
  for (const pair of pairs) {
    const x = u.valToPos(pair.t, "x", true);
    for (const v of [pair.high, pair.low]) {
      if (v === null) continue;
      const y = u.valToPos(v, "y", true);
      ctx.moveTo(x - 4 * px, y);
      ctx.lineTo(x + 4 * px, y);
    }
    if (pair.high === null || pair.low === null) continue;
    ctx.moveTo(x, u.valToPos(pair.high, "y", true));
    ctx.lineTo(x, u.valToPos(pair.low, "y", true));
  }
  ctx.stroke();
  ctx.restore();
}

/** Score over time: lower bound as a line, an area up to the upper bound while it is partial. */
function drawScore(u, spans, c) {
  const { ctx } = u;
  const px = ratio();
  ctx.save();
  for (const span of spans) {
    const x0 = u.valToPos(span.from, "x", true);
    const x1 = u.valToPos(span.to, "x", true);
    const yLow = u.valToPos(span.lower, "y", true);
    const yHigh = u.valToPos(span.upper, "y", true);
    ctx.fillStyle = c.band;
    ctx.fillRect(x0, yHigh, Math.max(px, x1 - x0), yLow - yHigh);
    ctx.fillStyle = c.line;
    ctx.fillRect(x0, yLow - px, Math.max(px, x1 - x0), 2 * px);
  }
  ctx.restore();
}

/** `lines`: "line", "points" or "none" (drawn here) for each stream. `model()` gives the newest {from, to, low, high, gaps, limits, marks, points, pairs, spans}; drawing asks for it each time. */
export function createPlot({ element, width, height, model, lines, last, syncKey, onCursor }) {
  const c = colours();
  const font = `12px ${c.font}`;
  const clipped = (act) => (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    act(u);
    ctx.restore();
  };
  const options = {
    width,
    height,
    ms: 1,
    padding: [6, RIGHT, last ? 0 : 4, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: false },
      sync: { key: syncKey, setSeries: false, scales: ["x", null] },
    },
    scales: {
      x: { time: true, range: () => [model().from, model().to] },
      y: { range: () => [model().low, model().high] },
    },
    axes: [
      {
        font,
        stroke: c.muted,
        grid: { stroke: c.grid, width: 1 },
        ticks: { show: last, stroke: c.grid, size: 4 },
        size: last ? 26 : 0,
        gap: 4,
        values: (_u, splits) => splits.map((at) => (last ? clock(at) : "")),
      },
      { font, stroke: c.muted, grid: { stroke: c.grid, width: 1 }, ticks: { show: false }, size: AXIS, gap: 6, space: 26 },
    ],
    series: [
      {},
      ...lines.map((style) => ({
        stroke: c.line,
        width: 1.5,
        spanGaps: false,
        paths: style === "line" ? uPlot.paths.linear() : () => null,
        points: { show: style === "line" ? undefined : style === "points", size: 5, fill: c.line, stroke: c.line },
      })),
    ],
    hooks: {
      drawClear: [(u) => drawNoData(u, model().gaps, c)],
      draw: [
        clipped((u) => {
          const m = model();
          drawSpread(u, m.points, c);
          drawPressure(u, m.pairs, c);
          drawScore(u, m.spans, c);
          drawLimits(u, m.limits, c);
          drawMarks(u, m.points, c);
          drawAlerts(u, m.marks, c);
        }),
      ],
      setCursor: [(u) => onCursor(u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null)],
    },
  };
  return new uPlot(options, [[], ...lines.map(() => [])], element);
}

/** Columns for uPlot: one x for all streams; an explicit null where a line must not go on. */
export function columns(tracks) {
  if (!tracks.length) return [[]];
  const tables = tracks.map(({ points, gapMs, joined }) => {
    const xs = [];
    const ys = [];
    let before = null;
    for (const p of points) {
      if (p.bad || p.v === null) continue;
      if (joined && before !== null && p.t - before > gapMs) {
        xs.push((before + p.t) / 2);
        ys.push(null);
      }
      xs.push(p.t);
      ys.push(p.v);
      before = p.t;
    }
    return [xs, ys];
  });
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}
