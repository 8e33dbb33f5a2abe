// The same data as a chart, newest first: what a screen reader gets, and what shows a slight abnormality best.
import { html } from "../page/html.js";
import { boundsText, clock, number, timesOfDay, when } from "../page/format.js";
import { partName, partsText } from "../page/parts.js";
import { now } from "../page/server_time.js";
import { limitSetter } from "../page/staff.js";
import { t } from "../page/words.js";

const ROWS = 120;

function notesOf(p, digits) {
  const notes = [];
  if (p.bad || p.partly) notes.push(t("value.bad_signal"));
  if (p.late) notes.push(t("value.late", { time: clock(p.late) }));
  if (p.manual) notes.push(t("value.manual"));
  if (p.n > 1) notes.push(t("chart.spread", { low: number(p.min, digits), high: number(p.max, digits), n: p.n }));
  return notes.join(", ");
}

function rowsOf(model, digits) {
  if (model.vital === "bp") {
    const bad = model.points.filter((p) => p.bad).map((p) => ({ t: p.t, value: "✕", note: notesOf(p, digits) }));
    return [...model.pairs.map((pair) => ({ t: pair.t, value: `${pair.high ?? "—"}/${pair.low ?? "—"}`, note: notesOf(pair, digits) })), ...bad];
  }
  if (model.vital === "score") {
    return model.spans.map((span) => ({
      t: span.from,
      value: boundsText(span),
      note: [span.lower !== span.upper && t("score.partial"), partsText(span.score)].filter(Boolean).join(" · "),
    }));
  }
  return model.points.map((p) => ({ t: p.t, value: p.v === null ? "✕" : number(p.v, digits), note: notesOf(p, digits) }));
}

/** Each limit once, however often a time of day brought it back; newest first. */
function Limits({ limits, unit }) {
  const distinct = new Map(limits.map((limit) => [[limit.rule, limit.value, limit.set_by, limit.source.schedule].join(), limit]));
  return html`<ul class="limits-then">
    ${[...distinct.values()].reverse().map(
      (limit) => html`<li key=${limit.rule + limit.from}>
        ${t("lab.limit")} · ${partName(limit.vital)} ${t(`side.${limit.side}`)} <b>${limit.value}</b> ${unit} · <bdi>${limitSetter(limit)}</bdi> ·${" "}
        ${when(limit.from, now.peek())} – ${limit.goesOn ? t("alert.goes_on") : when(limit.to, now.peek())} ${timesOfDay(limit.source.schedule)}
      </li>`,
    )}
  </ul>`;
}

export function ValueTable({ model, title, digits, unit }) {
  const rows = rowsOf(model, digits).sort((a, b) => b.t - a.t);
  const close = rows.some((row, i) => i && rows[i - 1].t - row.t < 60_000); // or several rows have one time
  if (!rows.length) return html`<p class="muted none">${t("chart.none")}</p>`;
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${title}>
    <table class="values">
      <thead>
        <tr><th scope="col">${t("col.time")}</th><th scope="col">${title} ${unit}</th><th scope="col">${t("col.note")}</th></tr>
      </thead>
      <tbody>
        ${rows.slice(0, ROWS).map(
          (row) => html`<tr key=${row.t}><td><time>${when(row.t, now.peek(), close)}</time></td><td class="figure">${row.value}</td><td>${row.note}</td></tr>`,
        )}
      </tbody>
    </table>
    ${model.usual.length > 0 && html`<p class="muted usual-what">${t("chart.usual_what")}</p>`}
    ${model.limits.length > 0 && html`<${Limits} limits=${model.limits} unit=${unit} />`}
    ${rows.length > ROWS && html`<p class="muted">${t("chart.rows_left", { n: rows.length - ROWS })}</p>`}
  </div>`;
}
