// The sections of the hand-over note: open alerts, what happened, scores, who is not watched, silent devices.
import { html } from "../page/html.js";
import { boundsText } from "../page/format.js";
import { go, openPatient } from "../page/route.js";
import { personName } from "../page/staff.js";
import { alertOf } from "../page/ward.js";
import { Badge, Name, partName } from "../page/parts.js";
import { t, textOf, titleOf, whyOf } from "../page/words.js";
import { AcceptButton, Outcome } from "./acknowledge.js";
import { NoteWords } from "./notes.js";

const LANES = ["high", "medium", "low", "technical"];
const URGENT = 5; // NEWS2 from which the Royal College of Physicians asks for an urgent response (2017)

function Who({ patient }) {
  if (!patient) return html`<b><${Name} card=${null} id="" /></b>`;
  return html`<button class="plain who" onClick=${() => openPatient(patient.id)}><${Name} card=${patient} id=${patient.id} /></button>${" "}
    <span class="muted">${patient.name && t("patient.id", { id: patient.id })}</span>`;
}

function handling(one, time) {
  if (one.accept_by) return t("handover.must_accept", { who: personName(one.owner), time: time(one.accept_by) });
  if (one.owner) return t("handover.has_it", { who: personName(one.owner), time: time(one.acknowledged_at) });
  return one.escalation_level && !one.suppressed_by ? `${t("alert.nobody")} ${t("handover.called", { n: one.escalation_level + 1 })}` : t("alert.nobody");
}

function quiet(one, titles, time) {
  const said = [];
  if (one.amended) said.push(t("alert.amended"));
  if (one.state === "cleared") said.push(t("handover.cleared"));
  else if (one.condition === "unknown") said.push(t("alert.unknown"));
  if (one.snoozed_until) {
    const why = one.snooze_reason || t("handover.no_reason");
    said.push(t("handover.snoozed", { time: time(one.snoozed_until), who: personName(one.snoozed_by), why }));
  }
  if (one.held_until) said.push(t("handover.held", { time: time(one.held_until) }));
  if (one.suppressed_by) said.push(t("call.carried", { what: titles.get(one.suppressed_by) ?? t("call.another") }));
  return said;
}

function OpenAlert({ one, titles, time }) {
  const live = alertOf(one.id);
  return html`<li>
    <p><${Badge} alert=${{ rule: "", ...one, ...live }} /> <${Who} patient=${one.patient} /></p>
    <p><button class="plain" onClick=${() => go("worklist", one.id)}><b>${titleOf(one)}</b></button> ${textOf(one)}</p>
    <p class="standing">
      ${t("handover.since", { time: time(one.opened_at) })} <b>${handling(one, time)}</b> ${quiet(one, titles, time).join(" · ")}
      ${one.note && html` ${t("col.note")}: <bdi>${one.note}</bdi>`}
    </p>
    ${live && html`<p class="actions"><${AcceptButton} alert=${live} /> <${Outcome} alertId=${one.id} /></p>`}
  </li>`;
}

function Alerts({ lanes, time }) {
  const titles = new Map(Object.values(lanes).flat().map((one) => [one.id, titleOf(one)]));
  const filled = LANES.filter((lane) => lanes[lane].length);
  return html`<section>
    <h2>${t("handover.alerts")}</h2>
    ${!filled.length && html`<p>${t("patient.no_alerts")}</p>`}
    ${filled.map(
      (lane) => html`<h3 key=${lane}>${t(lane === "technical" ? "handover.technical" : `priority.${lane}`)}</h3>
        <ul class="open">${lanes[lane].map((one) => html`<${OpenAlert} key=${one.id} one=${one} titles=${titles} time=${time} />`)}</ul>`,
    )}
  </section>`;
}

function Happened({ facts, time }) {
  return html`<section>
    <h2>${t("handover.happened", { time: time(facts.since_at) })}</h2>
    <p>${t("handover.counts", facts.happened)}</p>
    <ul>${facts.notes.map((one) => html`<li key=${one.id}>${time(one.at)} <${Who} patient=${one.patient} />: <${NoteWords} note=${one} /></li>`)}</ul>
  </section>`;
}

/** What cannot be compared matters only where it may have risen. */
const matters = ({ now, first, course }) =>
  !now || now.lower >= URGENT || now.single_3 || course === "up" || (course === "unclear" && now.upper > first.lower);

function Score({ row: { patient, now, first, course }, time }) {
  const words = now
    ? [boundsText(now), course && t(`course.${course}`, { n: boundsText(first), time: time(first.at) })].filter(Boolean).join(t("list.then"))
    : t("score.none");
  return html`<li>
    <${Who} patient=${patient} />: <b>${words}</b>${t("list.stop")}
    ${now?.single_3 && ` ${t("handover.single_3")}`}
    ${now?.missing.length > 0 && ` ${t("score.missing", { names: now.missing.map(partName).join(t("list.comma")) })}`}
  </li>`;
}

function Scores({ rows, time }) {
  const loud = rows.filter(matters).sort((a, b) => (b.now?.lower ?? -1) - (a.now?.lower ?? -1));
  const calm = rows.length - loud.length;
  return html`<section>
    <h2>${t("score.news2")}</h2>
    <ul>
      ${loud.map((row) => html`<${Score} key=${row.patient.id} row=${row} time=${time} />`)}
      ${calm > 0 && html`<li>${t("handover.calm", { n: calm })}</li>`}
    </ul>
  </section>`;
}

function Gaps({ rows, time }) {
  return html`<section>
    <h2>${t("handover.gaps_title")}</h2>
    ${!rows.length && html`<p>${t("handover.none")}</p>`}
    <ul>${rows.map(
      (one) => html`<li key=${one.patient.id}><${Who} patient=${one.patient} />: <b>${one.until_at ? t("coverage.paused_until", { time: time(one.until_at) }) : t(`coverage.${one.state}`)}</b> ${t("handover.gap_since", { time: time(one.since_at) })} ${one.state !== "no_device" && whyOf(one)}</li>`,
    )}</ul>
  </section>`;
}

function Silent({ rows, time }) {
  const heard = (at) => (at ? t("handover.heard", { time: time(at) }) : t("handover.never_heard"));
  return html`<section>
    <h2>${t("handover.silent")}</h2>
    ${!rows.length && html`<p>${t("handover.none")}</p>`}
    <ul>${rows.map((one) => html`<li key=${one.device_id}>${one.device_id}, <${Who} patient=${one.patient} />: ${heard(one.last_heard_at)}</li>`)}</ul>
  </section>`;
}

export function HandoverFacts({ facts, time }) {
  return html`<${Alerts} lanes=${facts.alerts} time=${time} />
    <${Happened} facts=${facts} time=${time} />
    <${Scores} rows=${facts.news2} time=${time} />
    <${Gaps} rows=${facts.not_watched} time=${time} />
    <${Silent} rows=${facts.silent_devices} time=${time} />`;
}
