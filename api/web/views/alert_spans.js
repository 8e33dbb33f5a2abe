// Alerts under the time axis: a bar from onset to end, the priority's shape at its onset.
import { html } from "../page/html.js";
import { clock, when } from "../page/format.js";
import { go } from "../page/route.js";
import { now } from "../page/server_time.js";
import { personName } from "../page/staff.js";
import { isOpen, lookOf } from "../page/ward.js";
import { t, titleOf } from "../page/words.js";

const SHAPE = { high: "◆", medium: "▲", low: "■" };
const HOLLOW = { high: "◇", medium: "△", low: "□" };
const ROW_PX = 26;

/** Gives each span the first row that is free, so that bars never lie on one another. */
function placed(alerts, from, to) {
  const ends = [];
  return [...alerts]
    .map((alert) => ({ alert, start: Date.parse(alert.onset_at), end: alert.ended_at ? Date.parse(alert.ended_at) : isOpen(alert) ? to : Date.parse(alert.resolved_at ?? alert.updated_at) }))
    .filter((span) => span.end >= from && span.start <= to)
    .sort((a, b) => a.start - b.start)
    .map((span) => {
      const least = span.start + (to - from) / 12; // room for the word on short bars
      let row = ends.findIndex((end) => end <= span.start);
      if (row < 0) row = ends.length;
      ends[row] = Math.max(span.end, least);
      return { ...span, row };
    });
}

function words(alert) {
  const owner = alert.acknowledged_by ? t("alert.has_it", { who: personName(alert.acknowledged_by), time: clock(alert.acknowledged_at) }) : t("alert.nobody");
  const until = alert.ended_at ? when(alert.ended_at, now.value) : t("alert.goes_on");
  const changed = alert.amended ? `${t("alert.amended")}${t("list.stop")} ` : "";
  return `${t(`priority.${alert.priority}`)}: ${titleOf(alert)}, ${when(alert.onset_at, now.value)} – ${until}. ${changed}${owner}`;
}

export function AlertSpans({ alerts, from, to, inset }) {
  const spans = placed(alerts, from, to);
  if (!spans.length) return html`<p class="muted none">${t("chart.no_alerts")}</p>`;
  const rows = Math.max(...spans.map((span) => span.row)) + 1;
  const share = (at) => (100 * (Math.min(to, Math.max(from, at)) - from)) / (to - from);
  return html`<section class="alert-spans">
    <h4>${t("chart.alerts")}</h4>
    <div class="span-area" style=${{ marginLeft: `${inset.left}px`, marginRight: `${inset.right}px`, height: `${rows * ROW_PX}px` }}>
      ${spans.map(({ alert, start, end, row }) => {
        const left = share(start);
        const style = { left: `${left}%`, width: `${Math.max(0, share(end) - left)}%`, top: `${row * ROW_PX}px` };
        return html`<button
          key=${alert.id}
          class=${`span ${alert.priority} ${lookOf(alert)} ${isOpen(alert) ? "" : "over"} ${left > 75 ? "at-end" : ""}`}
          style=${style}
          title=${words(alert)}
          aria-label=${words(alert)}
          onClick=${() => go("worklist", alert.id)}
        >
          <span class="label">${(lookOf(alert) === "technical" ? HOLLOW : SHAPE)[alert.priority]} ${alert.amended && "↺ "}${titleOf(alert)}</span>
        </button>`;
      })}
    </div>
  </section>`;
}
