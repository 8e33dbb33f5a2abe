// What happened to an alert: measured, received, decided, acknowledged, and each line of its log with whom it called.
import { html, useEffect, useState } from "../page/html.js";
import { clock, when } from "../page/format.js";
import { get } from "../page/http.js";
import { now } from "../page/server_time.js";
import { t } from "../page/words.js";

const DECISIONS = new Set(["opened", "worsened", "eased", "confirmed", "recurred"]);

/** Measured, received, decided, acknowledged are separate facts with separate times; those of the newest decision. */
function Path({ alert, steps }) {
  const { values = [], score } = alert.evidence ?? {};
  const parts = (score?.parts ?? []).map((part) => part.measured_at).filter(Boolean).sort();
  const facts = [
    ["measured", values[0]?.measured_at ?? parts[parts.length - 1]],
    ["received", values[0]?.received_at],
    ["decided", steps.filter((item) => DECISIONS.has(item.step)).pop()?.at ?? alert.opened_at],
    ["acknowledged", alert.acknowledged_at],
  ];
  return html`<dl class="path">
    ${facts.filter(([name, at]) => at || name === "acknowledged").map(([name, at]) => html`<div key=${name}><dt>${t(`path.${name}`)}</dt><dd>${at ? clock(at, true) : "–"}</dd></div>`)}
  </dl>`;
}

/** {state: loading | ready | failed, items, feedback}, read again when the alert changes. */
export function useHistory(alert) {
  const [history, setHistory] = useState({ state: "loading", items: [], feedback: null });
  useEffect(() => {
    let current = true;
    get(`api/v1/alerts/${encodeURIComponent(alert.id)}`)
      .then((body) => current && setHistory({ state: "ready", items: body.history, feedback: body.feedback }))
      .catch(() => current && setHistory((held) => ({ ...held, state: "failed" })));
    return () => {
      current = false;
    };
  }, [alert.id, alert.version]);
  return history;
}

/** Folded where the card is one of several; `folded` only says how it starts. */
export function Story({ alert, history: { state, items }, folded }) {
  return html`<details class="story" open=${!folded}>
    <summary>${t("card.path")}</summary>
    <${Path} alert=${alert} steps=${items} />
    ${state === "failed" && !items.length ? html`<p class="muted">${t("card.history_failed")}</p>` : html`<${Steps} items=${items} />`}
  </details>`;
}

function Steps({ items }) {
  return html`<ol class="history">
    ${[...items].reverse().map(
      (item) => html`<li key=${item.seq ?? `${item.step}${item.at}`}>
        <time>${when(item.at, now.value)}</time> ${t(`step.${item.step}`)} ${item.actor && html`<bdi class="muted">${actor(item.actor)}</bdi>`} <${Hands} item=${item} /> ${item.note}
        ${item.call && html`<${Called} call=${item.call} />`}
      </li>`,
    )}
  </ol>`;
}

/** From whom to whom, of a hand-over. */
const Hands = ({ item }) => item.detail?.from && item.detail.to && html`<bdi>${t("step.hands", { from: item.detail.from, to: item.detail.to })}</bdi>`;

/** What the line decided about calling somebody. */
const Called = ({ call }) => html`<span class=${`called call-${call.how}`}>${t(`how.${call.how}`)}${call.why && `: ${call.why}`}</span>`;

const SYSTEM = new Set(["vigil", "system", "analytics"]);
const actor = (name) => (SYSTEM.has(name) ? t("card.by_vigil") : name);
