// Why now? One patient, one alert: sentence, values with their ages, score parts, path.
import { html, useEffect, useRef, useState } from "../page/html.js";
import { age, calendar, clock, number, when } from "../page/format.js";
import { get } from "../page/http.js";
import { openPatient } from "../page/route.js";
import { now } from "../page/server_time.js";
import { cardOf, isOpen } from "../page/ward.js";
import { Badge, Coverage, Marks, Name, ScoreBox, Trend, Value, Age, missingWords, partName } from "../page/parts.js";
import { TILE_VITALS, VITALS, chartOf, freshness, vitalOfAlert } from "../page/vitals.js";
import { t } from "../page/words.js";
import { AcknowledgeButton, Outcome, ReturnButton, noteOpened } from "./acknowledge.js";
import { standing } from "./alert_line.js";
import { Charts } from "./charts.js";

const FOUR_HOURS = 4 * 3_600_000;

function unitOf(item) {
  return item.unit || VITALS[item.vital]?.unit || "";
}

/** What the alert was decided on: value then, its age at the decision, and the limit in force with who set it. */
function Decided({ alert }) {
  const { values = [], limit, score } = alert.evidence ?? {};
  if (score) return html`<p class="decided">${t("card.at_decision")} <${ScoreSentence} score=${score} /></p>`;
  if (!values.length && !limit) return null;
  return html`<ul class="decided">
    ${values.map(
      (item) => html`<li key=${`${item.vital}${item.measured_at}`}>
        <b>${partName(item.vital)} ${item.value === null ? "—" : number(item.value, VITALS[item.vital]?.digits ?? 0)} ${unitOf(item)}</b>${" "}
        ${item.measured_at && t("card.measured", { time: clock(item.measured_at, true), age: age(now.value - Date.parse(item.measured_at)) })}
      </li>`,
    )}
    ${limit && html`<li>${t("card.limit", { value: limit.value ?? limit.limit, unit: unitOf(limit), who: limit.set_by || "–" })}</li>`}
  </ul>`;
}

function Others({ card, except }) {
  const shown = TILE_VITALS.filter((vital) => vital !== except).flatMap((vital) => (vital === "bp" ? ["bp_sys", "bp_dia"] : [vital]));
  const known = shown.filter((vital) => card?.vitals?.[vital]);
  if (!known.length) return null;
  return html`<ul class="others">
    ${known.map((vital) => {
      const value = card.vitals[vital];
      const state = freshness(vital, value, now.value);
      return html`<li key=${vital}>
        ${t(`vital.${vital}`)} <${Value} vital=${vital} value=${value} /> ${VITALS[vital].unit} <${Trend} trend=${card.trend?.[vital]} />
        <${Marks} value=${value} /> <${Age} at=${value.measured_at} state=${state} />
      </li>`;
    })}
  </ul>`;
}

export function ScoreSentence({ score }) {
  if (!score || score.status === "not_applicable") return html`<${ScoreBox} score=${score} />`;
  const counted = score.parts.filter((part) => part.points > 0).map((part) => `${partName(part.name)} ${part.points}`);
  const zero = score.parts.some((part) => part.points === 0);
  return html`<${ScoreBox} score=${score} />${" "}
    ${counted.length ? t("score.counted", { parts: counted.join(", ") }) : zero && t("score.all_zero")}${" "}
    ${counted.length > 0 && zero && t("score.others_zero")} ${missingWords(score)}`;
}

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

function useHistory(alert) {
  const [history, setHistory] = useState({ state: "loading", items: [] });
  useEffect(() => {
    let current = true;
    get(`api/v1/alerts/${encodeURIComponent(alert.id)}`)
      .then((body) => current && setHistory({ state: "ready", items: body.history ?? [] }))
      .catch(() => current && setHistory((held) => ({ ...held, state: "failed" })));
    return () => {
      current = false;
    };
  }, [alert.id, alert.version]);
  return history;
}

/** Folded where the card is one of several; `folded` only says how it starts. */
function Story({ alert, folded }) {
  const { state, items } = useHistory(alert);
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
        <time>${when(item.at, now.value)}</time> ${t(`step.${item.step}`)} ${item.actor && html`<bdi class="muted">${actor(item.actor)}</bdi>`} ${item.note}
      </li>`,
    )}
  </ol>`;
}

const SYSTEM = new Set(["vigil", "system", "analytics"]);
const actor = (name) => (SYSTEM.has(name) ? t("card.by_vigil") : name);

function Banner({ card, id }) {
  return html`<p class="banner">
    <button class="plain person" onClick=${() => openPatient(id)}><${Name} card=${card} id=${id} /></button>
    <span>${card?.sex && t(`sex.${card.sex}`)} ${card?.age}</span>
    ${card?.born && html`<span>${t("patient.born", { date: calendar(card.born) })}</span>`}
    <span>${t("patient.id", { id })}</span>
    ${card?.demo && html`<span class="demo-mark">${t("demo.short")}</span>`}
    <${Coverage} coverage=${card?.coverage} />
  </p>`;
}

const hasChart = (vital) => vital === "score" || vital === "bp" || Boolean(VITALS[vital]?.range);

/** Body of the card, used in the work list and on the patient's page. */
export function AlertCard({ alert, onClose, withChart = true }) {
  const card = cardOf(alert.patient_id);
  const vital = chartOf(vitalOfAlert(alert));
  const heading = useRef(null);
  useEffect(() => {
    noteOpened(alert.id);
    if (onClose) heading.current?.focus();
  }, [alert.id]);
  return html`<article class=${`alert-card ${alert.priority} ${isOpen(alert) ? "" : "over"}`} aria-labelledby=${`card-${alert.id}`}>
    <header>
      <h2 id=${`card-${alert.id}`} tabindex="-1" ref=${heading}><${Badge} alert=${alert} /> ${alert.title}</h2>
      ${onClose && html`<button class="plain close" onClick=${onClose}>${t("card.close")}</button>`}
      <p class="standing">${standing(alert, now.value)}</p>
    </header>
    ${onClose && html`<${Banner} card=${card} id=${alert.patient_id} />`}
    <section>
      <h3>${t("card.why")}</h3>
      <p class="sentence">${alert.text}</p>
      <${Decided} alert=${alert} />
    </section>
    <div class="actions">
      <${AcknowledgeButton} alert=${alert} long=${true} />
      <${ReturnButton} alert=${alert} />
      <${Outcome} alertId=${alert.id} />
    </div>
    ${withChart && hasChart(vital) && html`<${Charts} patientId=${alert.patient_id} only=${[vital]} rangeMs=${FOUR_HOURS} />`}
    ${onClose &&
    html`<section><h3>${t("card.also")}</h3><${Others} card=${card} except=${vital} /></section>
      <section><h3>${t("card.score")}</h3><p><${ScoreSentence} score=${card?.score} /></p></section>`}
    <${Story} alert=${alert} folded=${!withChart} />
  </article>`;
}
