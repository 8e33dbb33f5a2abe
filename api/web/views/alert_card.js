// Why now? One patient, one alert: sentence, values with their ages, score parts, path.
import { html, useEffect, useRef } from "../page/html.js";
import { age, calendar, clock, number } from "../page/format.js";
import { leaderOf } from "../page/calls.js";
import { go, openPatient } from "../page/route.js";
import { now } from "../page/server_time.js";
import { personName } from "../page/staff.js";
import { alertOf, cardOf, isOpen, openAlertsOf } from "../page/ward.js";
import { Badge, Coverage, Marks, Name, ScoreBox, Trend, Value, Age, missingWords, partName, partsText } from "../page/parts.js";
import { TILE_VITALS, VITALS, chartOf, freshness, unitOf, vitalOfAlert } from "../page/vitals.js";
import { t, textOf, titleOf } from "../page/words.js";
import { AcceptButton, AcknowledgeButton, Outcome, ReturnButton, mayAct, noteOpened } from "./acknowledge.js";
import { standing } from "./alert_line.js";
import { Charts, useAlerts } from "./charts.js";
import { Devices, asksWhoseDevice } from "./devices.js";
import { Deliveries, useDeliveries, useLooking, useSeen } from "./deliveries.js";
import { Earlier } from "./earlier.js";
import { Feedback } from "./feedback.js";
import { Done } from "./notes.js";
import { ObservationForm } from "./observation_form.js";
import { PassOnButtons } from "./pass_on.js";
import { Reach } from "./plan.js";
import { Story, useHistory } from "./story.js";
import { Whose, asksWhose } from "./whose.js";

const FOUR_HOURS = 4 * 3_600_000;

const unitThen = (item) => item.unit || unitOf(item.vital);

/** What the alert was decided on: value then, its age at the decision, and the limit in force with who set it. */
function Decided({ alert }) {
  const { values = [], limit, score } = alert.evidence ?? {};
  if (score) return html`<p class="decided">${t("card.at_decision")} <${ScoreSentence} score=${score} /></p>`;
  if (!values.length && !limit) return null;
  return html`<ul class="decided">
    ${values.map(
      (item) => html`<li key=${`${item.vital}${item.measured_at}`}>
        <b>${partName(item.vital)} ${item.value === null ? "—" : number(item.value, VITALS[item.vital]?.digits ?? 0)} ${unitThen(item)}</b>${" "}
        ${item.measured_at && t("card.measured", { time: clock(item.measured_at, true), age: age(now.value - Date.parse(item.measured_at)) })}
      </li>`,
    )}
    ${limit && html`<li>${t("card.limit", { value: limit.value ?? limit.limit, unit: unitThen(limit), who: personName(limit.set_by) || "–" })}</li>`}
  </ul>`;
}

function Others({ card, except }) {
  const shown = TILE_VITALS.filter((vital) => vital !== except).flatMap((vital) => (vital === "bp" ? ["bp_sys", "bp_dia"] : [vital]));
  const known = shown.filter((vital) => card?.vitals?.[vital]);
  if (!known.length) return null;
  return html`<section><h3>${t("card.also")}</h3><ul class="others">
    ${known.map((vital) => {
      const value = card.vitals[vital];
      const state = freshness(vital, value, now.value);
      return html`<li key=${vital}>
        ${t(`vital.${vital}`)} <${Value} vital=${vital} value=${value} /> ${VITALS[vital].unit} <${Trend} trend=${card.trend?.[vital]} />
        <${Marks} value=${value} /> <${Age} at=${value.measured_at} state=${state} />
      </li>`;
    })}
  </ul></section>`;
}

export function ScoreSentence({ score }) {
  if (!score || score.status === "not_applicable") return html`<${ScoreBox} score=${score} />`;
  const counted = partsText(score);
  const zero = score.parts.some((part) => part.points === 0);
  return html`<${ScoreBox} score=${score} />${" "}
    ${counted ? t("score.counted", { parts: counted }) : zero && t("score.all_zero")}${" "}
    ${counted && zero && t("score.others_zero")} ${missingWords(score)}`;
}

function Banner({ card, id }) {
  if (!id) return html`<p class="banner"><${Name} card=${card} id=${id} /></p>`;
  return html`<p class="banner">
    <button class="plain person" onClick=${() => openPatient(id)}><${Name} card=${card} id=${id} /></button>
    <span>${card?.sex && t(`sex.${card.sex}`)} ${card?.age}</span>
    ${card?.born && html`<span>${t("patient.born", { date: calendar(card.born) })}</span>`}
    <span>${t("patient.id", { id })}</span>
    ${card?.demo && html`<span class="demo-mark">${t("demo.short")}</span>`}
    <${Coverage} coverage=${card?.coverage} />
    ${card && html`<${Reach} patientId=${id} />`}
  </p>`;
}

const hasChart = (vital) => vital === "score" || vital === "bp" || Boolean(VITALS[vital]?.range);

/** Which alert leads this one, and which lie under it: each one tap away. */
function Kin({ alert }) {
  const leader = alertOf(leaderOf(alert));
  const under = openAlertsOf(alert.patient_id).map((id) => alertOf(id)).filter((other) => other && leaderOf(other) === alert.id);
  if (!leader && !under.length) return null;
  const link = (other) => html`<li key=${other.id}><button class="plain" onClick=${() => go("worklist", other.id)}><${Badge} alert=${other} /> ${titleOf(other)}</button></li>`;
  return html`<section class="kin">
    ${leader && html`<h3>${t("card.led_by")}</h3><ul>${link(leader)}</ul>`}
    ${under.length > 0 && html`<h3>${t("card.leads")}</h3><ul>${under.map(link)}</ul>`}
  </section>`;
}

/** How the person is beside this alert, and was before. */
function Around({ alert, card }) {
  const vital = chartOf(vitalOfAlert(alert));
  const known = useAlerts(alert.patient_id);
  return html`${hasChart(vital) && html`<${Charts} patientId=${alert.patient_id} alerts=${known.items} only=${[vital]} rangeMs=${FOUR_HOURS} />`}
    <${Others} card=${card} except=${vital} />
    <section>
      <h3>${t("card.score")}</h3><p><${ScoreSentence} score=${card?.score} /></p>
      ${mayAct() && html`<details class="enter"><summary>${t("entry.title")}</summary><${ObservationForm} patientId=${alert.patient_id} /></details>`}
    </section>
    <${Earlier} alert=${alert} known=${known} />`;
}

/** Body of the card, used in the work list and on the patient's page. */
export function AlertCard({ alert, onClose }) {
  const card = cardOf(alert.patient_id);
  const heading = useRef(null);
  const body = useRef(null);
  const deliveries = useDeliveries(alert);
  const history = useHistory(alert, deliveries[0].items);
  useSeen(alert, body, deliveries);
  useLooking(alert, body);
  useEffect(() => {
    noteOpened(alert.id);
    if (onClose) heading.current?.focus();
  }, [alert.id]);
  return html`<article class=${`alert-card ${alert.priority} ${isOpen(alert) ? "" : "over"}`} aria-labelledby=${`card-${alert.id}`} ref=${body}>
    <header>
      <h2 id=${`card-${alert.id}`} tabindex="-1" ref=${heading}><${Badge} alert=${alert} /> ${titleOf(alert)}</h2>
      ${onClose && html`<button class="plain close" onClick=${onClose}>${t("card.close")}</button>`}
      <p class="standing">${standing(alert, now.value)}</p>
    </header>
    ${onClose && html`<${Banner} card=${card} id=${alert.patient_id} />`}
    <section>
      <h3>${t("card.why")}</h3>
      <p class="sentence">${textOf(alert)}</p>
      <${Decided} alert=${alert} />
    </section>
    ${asksWhose(alert) && html`<${Whose} alert=${alert} />`}
    ${onClose && asksWhoseDevice(alert) && html`<${Devices} patientId=${alert.patient_id} version=${alert.version} />`}
    <div class="actions">
      <${AcknowledgeButton} alert=${alert} long=${true} />
      <${AcceptButton} alert=${alert} />
      <${PassOnButtons} alert=${alert} />
      <${ReturnButton} alert=${alert} />
      <${Outcome} alertId=${alert.id} />
    </div>
    <${Done} alert=${alert} />
    <${Feedback} alert=${alert} known=${history.feedback} />
    ${onClose && html`<${Kin} alert=${alert} />`}
    ${onClose && alert.patient_id && html`<${Around} alert=${alert} card=${card} />`}
    <${Deliveries} held=${deliveries[0]} />
    <${Story} history=${history} folded=${!onClose} />
  </article>`;
}
