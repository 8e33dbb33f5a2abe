// What is going on with this person, and since when?
import { html, useEffect, useRef, useState } from "../page/html.js";
import { calendar, clock, day, duration, zone } from "../page/format.js";
import { useKeys } from "../page/keyboard.js";
import { goBack, route } from "../page/route.js";
import { now } from "../page/server_time.js";
import { acknowledge } from "../page/commands.js";
import { alertOf, cardOf, inMainLane, loaded, openAlertsOf } from "../page/ward.js";
import { Age, Coverage, Marks, Name, ScoreBox, ScoreTrend, Trend, Value, lastWords } from "../page/parts.js";
import { CHART_VITALS, VALUE_VITALS, VITALS, freshness, scorePart } from "../page/vitals.js";
import { may } from "../page/session.js";
import { t, titleOf } from "../page/words.js";
import { AcknowledgeButton, canAcknowledge, mayAcknowledgeNow } from "./acknowledge.js";
import { AlertCard, ScoreSentence } from "./alert_card.js";
import { AlertLine, mustLook } from "./alert_line.js";
import { PatientCharts } from "./charts.js";
import { Devices } from "./devices.js";
import { GlassButton } from "./emergency.js";
import { mayOpen } from "./more.js";
import { Notes } from "./notes.js";
import { ObservationForm } from "./observation_form.js";
import { CallHome, Contacts, Pause, Reach } from "./plan.js";
import { RiskCard } from "./risk_card.js";

const HOUR = 3_600_000;
const AT_FIRST = 8;
const RANGES = [HOUR, 4 * HOUR, 24 * HOUR, 168 * HOUR, 720 * HOUR];
const rangeName = (range) => (range > 24 * HOUR ? duration(range) : t("chart.hours", { n: range / HOUR }));
const CHARTS = [...CHART_VITALS, "score"];

function Banner({ card, id }) {
  return html`<header class="patient-banner">
    <button class="plain" onClick=${() => goBack("ward")}>${t("patient.back")}</button>
    <h1 tabindex="-1"><${Name} card=${card} id=${id} /></h1>
    <span>${card.sex && t(`sex.${card.sex}`)} ${card.age}</span>
    ${card.born && html`<span>${t("patient.born", { date: calendar(card.born) })}</span>`}
    <span>${t("patient.id", { id })}</span>
    ${card.ward && html`<span><bdi>${card.ward}</bdi></span>`}
    ${card.demo && html`<span class="demo-mark">${t("demo.short")}</span>`}
    <${Coverage} coverage=${card.coverage} />
    <${Reach} patientId=${id} />
    ${mayOpen("policy") && html`<a href=${`#/policy/${encodeURIComponent(id)}`}>${t("page.policy")}</a>`}
    <button class="plain print" onClick=${() => print()}>${t("handover.print")}</button>
  </header>`;
}

/** On each printed sheet: whose it is, what is on it, when it was printed and in which zone. */
function SheetHead({ card, id, range }) {
  const born = card.born && t("patient.born", { date: calendar(card.born) });
  const said = [born, t("patient.id", { id }), range, t("print.at", { time: `${day(now.value)} ${clock(now.value)}`, zone: zone() })];
  return html`<p class="sheet-head"><b><${Name} card=${card} id=${id} /></b> · ${said.filter(Boolean).join(" · ")} ${card.demo && t("demo.stripe")}</p>`;
}

function Points({ part }) {
  if (!part) return html`<td class="points"></td>`;
  if (part.points === null) return html`<td class="points missing">?</td>`;
  return html`<td class="points"><span class=${`point-cell p${part.points}`}>${part.points}</span></td>`;
}

function ValueRow({ vital, card }) {
  const name = vital === "bp" ? "bp_sys" : vital;
  const value = card.vitals[name];
  const part = scorePart(card.score, vital);
  if (!value && !part) return null;
  const state = value ? freshness(name, value, now.value) : "old";
  const unit = vital === "o2_flow" && value?.value === 0 ? "" : VITALS[name].unit;
  const low = vital === "bp" ? card.vitals.bp_dia : null;
  return html`<tr>
    <th scope="row">${t(`vital.${vital}`)}</th>
    <td class="figure">
      <${Value} vital=${name} value=${value} />${low && html`/<${Value} vital="bp_dia" value=${low} />`}${" "}
      <span class="unit">${value && unit}</span> <${Trend} trend=${card.trend?.[name]} />
      ${value && state === "old" && html`<span class="last">${lastWords(name, value)}</span>`}
    </td>
    <td>${value ? html`<${Age} at=${value.measured_at} state=${state} /> <${Marks} value=${value} />` : html`<span class="muted">${t("value.never")}</span>`}</td>
    <${Points} part=${part} />
  </tr>`;
}

/** Current values with age and quality, and beside each what it adds to the score. */
function Values({ card }) {
  const rows = VALUE_VITALS.filter((vital) => vital !== "fio2" || card.vitals.fio2);
  return html`<section class="now" aria-labelledby="now-title">
    <h2 id="now-title">${t("patient.now")} <span><${ScoreBox} score=${card.score} /> <${ScoreTrend} score=${card.score} before=${card.score_before} /></span></h2>
    <table>
      <thead>
        <tr><th scope="col">${t("col.vital")}</th><th scope="col">${t("col.value")}</th><th scope="col">${t("col.age")}</th><th scope="col">${t("col.points")}</th></tr>
      </thead>
      <tbody>${rows.map((vital) => html`<${ValueRow} key=${vital} vital=${vital} card=${card} />`)}</tbody>
    </table>
    ${card.score && html`<p class="score-words"><${ScoreSentence} score=${card.score} /></p>`}
  </section>`;
}

/** The worst are shown; what is beyond `AT_FIRST` by one tap, so that values and charts stay in reach. */
function Alerts({ ids }) {
  const [shown, setShown] = useState(null);
  const [all, setAll] = useState(false);
  const beyond = ids.length - AT_FIRST;
  const open = shown !== null && ids.includes(shown) ? shown : ids[0];
  if (!ids.length) return html`<section class="patient-alerts"><h2>${t("patient.alerts", { n: 0 })}</h2><p class="muted">${t("patient.no_alerts")}</p></section>`;
  return html`<section class="patient-alerts">
    <h2>${t("patient.alerts", { n: ids.length })}</h2>
    ${(all ? ids : ids.slice(0, AT_FIRST)).map((id) =>
      id === open
        ? html`<${AlertCard} key=${id} alert=${alertOf(id)} />`
        : html`<div key=${id} class="folded">
            <${AlertLine} alert=${alertOf(id)} onOpen=${setShown} tabIndex="0" />
            ${!mustLook(alertOf(id)) && html`<button class="plain" onClick=${() => setShown(id)} aria-label=${t("patient.unfold", { what: titleOf(alertOf(id)) })}>${t("ack.look")}</button>`}
          </div>`,
    )}
    ${beyond > 0 && html`<button class="plain" aria-expanded=${all} onClick=${() => setAll(!all)}><span aria-hidden="true">${all ? "▾" : "▸"} </span>${t("fold.more", { n: beyond })}</button>`}
  </section>`;
}

function Ranges({ range, onRange, asTable, onTable }) {
  return html`<div class="ranges" role="group" aria-label=${t("chart.range")}>
    ${RANGES.map((each) => html`<button key=${each} aria-pressed=${each === range} onClick=${() => onRange(each)}>${rangeName(each)}</button>`)}
    <span class="fill"></span>
    <button aria-pressed=${asTable} onClick=${onTable}>${t(asTable ? "chart.as_chart" : "chart.as_table")}</button>
  </div>`;
}

/** On a phone the two things to do stand under the thumb. */
function ThumbBar({ ids, patientId }) {
  const alert = ids.map((id) => alertOf(id)).find((each) => each && inMainLane(each) && canAcknowledge(each));
  if (!alert) return null;
  return html`<div class="thumb-bar"><span class="what">${titleOf(alert)}</span><${AcknowledgeButton} alert=${alert} long=${true} /><${CallHome} patientId=${patientId} /></div>`;
}

export function PatientView() {
  const { id } = route.value;
  const area = useRef(null);
  const [range, setRange] = useState(HOUR * 4);
  const [asTable, setAsTable] = useState(false);
  const card = cardOf(id);
  const ids = openAlertsOf(id);
  const take = () => {
    const alert = ids.map((each) => alertOf(each)).find((each) => each && canAcknowledge(each));
    if (!alert || !mayAcknowledgeNow(alert)) return false;
    acknowledge(alert);
    return true;
  };
  useKeys({ Escape: () => goBack("ward"), t: () => setAsTable(!asTable), a: take });
  useEffect(() => {
    area.current?.querySelector("h1")?.focus();
  }, [id, card !== null]);
  if (!card) {
    return html`<main id="main" class="patient unknown" tabindex="-1">
      <button class="plain" onClick=${() => goBack("ward")}>${t("patient.back")}</button>
      <p class="nothing">${t(loaded.value ? "patient.unknown" : "list.loading")}</p>
      ${loaded.value && html`<${GlassButton} id=${id} />`}
    </main>`;
  }
  return html`<main id="main" class="patient" tabindex="-1" ref=${area}>
    <${SheetHead} card=${card} id=${id} range=${rangeName(range)} />
    <${Banner} card=${card} id=${id} />
    <div class="patient-columns">
      <div class="left"><${Alerts} ids=${ids} /><${Values} card=${card} /><${RiskCard} key=${`risk${id}`} patientId=${id} /><${ObservationForm} key=${id} patientId=${id} /><${Notes} key=${`notes${id}`} patientId=${id} version=${ids.map((each) => alertOf(each)?.version).join()} />
        ${may("names") && html`<${Contacts} key=${`plan${id}`} patientId=${id} />`}<${Pause} key=${`pause${id}`} patientId=${id} state=${card.coverage?.state} />${may("devices") && html`<${Devices} key=${`devices${id}`} patientId=${id} version=${ids.join()} />`}</div>
      <section class="right" aria-label=${t("chart.title")}>
        <${Ranges} range=${range} onRange=${setRange} asTable=${asTable} onTable=${() => setAsTable(!asTable)} />
        <${PatientCharts} key=${`${id}${range}`} patientId=${id} only=${CHARTS} rangeMs=${range} asTable=${asTable} withSpans=${true} />
      </section>
    </div>
    <${ThumbBar} ids=${ids} patientId=${id} />
  </main>`;
}
