// One row of the work list: a patient, the alerts that call, and under each those that it leads.
import { html, signal } from "../page/html.js";
import { folded } from "../page/calls.js";
import { openPatient } from "../page/route.js";
import { alertOf, cardOf, isOpen, lookOf } from "../page/ward.js";
import { Badge, Coverage, Person, ScoreBox } from "../page/parts.js";
import { t, titleOf } from "../page/words.js";
import { AlertLine } from "./alert_line.js";
import { canAcknowledge } from "./acknowledge.js";

const SHOWN_PER_PATIENT = 3;

/** Patients whose led alerts are shown. */
const unfolded = signal(new Set());

export function unfold(patientId, open = !unfolded.peek().has(patientId)) {
  const next = new Set(unfolded.peek());
  if (open) next.add(patientId);
  else next.delete(patientId);
  unfolded.value = next;
}

/** The alert of a row that a key or a click on the row is about: the first that can be acknowledged, of those that lead. */
export function firstOf(row) {
  const leads = folded(row.ids).map((group) => group.id);
  return alertOf(leads.find((id) => canAcknowledge(alertOf(id) ?? {})) ?? row.ids[0]);
}

/** What lies under an alert: said in a line, one tap opens it. High priority keeps its badge. */
function Fold({ row, ids, onOpen }) {
  const open = unfolded.value.has(row.patientId);
  const held = ids.map((id) => alertOf(id)).filter(Boolean);
  const high = held.filter((alert) => alert.priority === "high");
  const toggle = (event) => {
    event.stopPropagation();
    unfold(row.patientId);
  };
  return html`<div class="fold">
      <button class="plain" tabindex="-1" aria-expanded=${open} onClick=${toggle}
        ><span class="arrow" aria-hidden="true">${open ? "▾" : "▸"}</span>${t("fold.more", { n: ids.length })}</button
      >
      ${!open && high.length > 0 && html`<${Badge} alert=${high[0]} count=${high.length} />`}
      ${!open && html`<span class="titles">${held.map(titleOf).join(" · ")}</span>`}
    </div>
    ${open && held.map((alert) => html`<${AlertLine} key=${alert.id} alert=${alert} onOpen=${onOpen} under=${true} />`)}`;
}

export function Row({ row, lane, current, selected, onFocus, onCard }) {
  const card = cardOf(row.patientId);
  const top = alertOf(row.ids[0]);
  if (!top) return null;
  const groups = folded(row.ids).filter((group) => alertOf(group.id));
  const hidden = groups.slice(SHOWN_PER_PATIENT).reduce((sum, group) => sum + 1 + group.under.length, 0);
  const over = row.ids.every((id) => !isOpen(alertOf(id) ?? { state: "resolved" }));
  const open = (alertId) => {
    if (!lane.deaf.peek()) onCard(alertId);
  };
  const quiet = top.snoozed_until ? "snoozed" : "";
  return html`<div
    role="row"
    class=${`row ${top.priority} ${lookOf(top)} ${over ? "over" : ""} ${selected ? "selected" : ""} ${top.handling} ${quiet}`}
    tabindex=${current ? 0 : -1}
    data-patient=${row.patientId}
    aria-selected=${selected}
    onFocus=${onFocus}
    onClick=${() => open(firstOf(row).id)}
  >
    <div role="gridcell" class="who">
      <${Person} card=${card} id=${row.patientId} />
      <span class="state"><${ScoreBox} score=${card?.score} /><${Coverage} coverage=${card?.coverage} /></span>
    </div>
    <div role="gridcell" class="lines">
      ${groups.slice(0, SHOWN_PER_PATIENT).map(
        ({ id, under }) => html`<${AlertLine} key=${id} alert=${alertOf(id)} onOpen=${open} />
          ${under.length > 0 && html`<${Fold} key=${`${id} fold`} row=${row} ids=${under} onOpen=${open} />`}`,
      )}
      ${hidden > 0 &&
      html`<button class="plain small more" tabindex="-1" onClick=${(event) => {
        event.stopPropagation();
        openPatient(row.patientId);
      }}>${t("list.more", { n: hidden })}</button>`}
    </div>
  </div>`;
}
