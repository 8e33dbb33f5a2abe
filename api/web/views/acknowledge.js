// The buttons that act on an alert and the sentence that says what became of the command.
import { html, signal } from "../page/html.js";
import { isHandedOver } from "../page/calls.js";
import { accept, acknowledge, canCommand, dismiss, outcomeOf, returnToList, tryAgain, undo } from "../page/commands.js";
import { may, session } from "../page/session.js";
import { alertOf, cardOf, isOpen } from "../page/ward.js";
import { plainName } from "../page/parts.js";
import { t, titleOf } from "../page/words.js";

export const mayAct = () => may("act");

/** Alerts whose card was open on this screen: high priority is acknowledged only after a look. */
export const opened = signal(new Set());

export function noteOpened(alertId) {
  if (!opened.peek().has(alertId)) opened.value = new Set(opened.peek()).add(alertId);
}

export const mayAcknowledgeNow = (alert) => alert.priority !== "high" || opened.value.has(alert.id);

export const canAcknowledge = (alert) => isOpen(alert) && alert.handling === "unacknowledged";

/** What became of the last command on this alert; null when there was none. */
export function Outcome({ alertId }) {
  const outcome = outcomeOf(alertId).value;
  if (!outcome) return null;
  const { phase, key, values } = outcome;
  return html`<span class=${`outcome ${phase}`}
    >${t(key, values)}
    ${phase === "unconfirmed" &&
    html` <button class="small" onClick=${() => tryAgain(alertId)} disabled=${!canCommand()}>${t("ack.try_again")}</button>`}
    ${(phase === "conflict" || phase === "refused") &&
    html` <button class="plain small" onClick=${() => dismiss(alertId)}>${t("ack.understood")}</button>`}</span
  >`;
}

export function AcknowledgeButton({ alert, long, tabIndex }) {
  if (!mayAct() || !canAcknowledge(alert) || isHandedOver(alert)) return null;
  const sending = outcomeOf(alert.id).value?.phase === "sending";
  const disabled = sending || !canCommand();
  return html`<button
    class="main acknowledge"
    tabindex=${tabIndex}
    disabled=${disabled}
    title=${canCommand() ? null : t("lost.no_commands")}
    onClick=${(event) => {
      event.stopPropagation();
      acknowledge(alert);
    }}
  >
    ${sending ? t("ack.sending") : t(long ? "ack.button" : "ack.short")}
  </button>`;
}

/** What was handed over or assigned: the receiver takes it, or a colleague who steps in. */
export function AcceptButton({ alert, tabIndex }) {
  if (!mayAct() || !isHandedOver(alert)) return null;
  const sending = outcomeOf(alert.id).value?.phase === "sending";
  const mine = alert.owner === session.value.name;
  return html`<button
    class=${mine ? "main accept" : "accept"}
    tabindex=${tabIndex}
    disabled=${sending || !canCommand()}
    title=${canCommand() ? null : t("lost.no_commands")}
    onClick=${(event) => {
      event.stopPropagation();
      accept(alert);
    }}
  >
    ${sending ? t("ack.sending") : t(mine ? "accept.button" : "accept.step_in")}
  </button>`;
}

/** Only who deals with an alert gives it back; a snooze, and an assignment that is not accepted yet, anybody takes back. */
function canReturn(alert) {
  if (!isOpen(alert)) return false;
  if (alert.handling !== "acknowledged") return Boolean(alert.accept_by || alert.snoozed_until);
  return (alert.owner || alert.acknowledged_by) === session.value.name;
}

const returnWords = (alert) => t(alert.handling !== "acknowledged" && alert.snoozed_until ? "return.snoozed" : "return.button");

export function ReturnButton({ alert }) {
  if (!mayAct() || !canReturn(alert)) return null;
  return html`<button class="return" disabled=${!canCommand()} onClick=${() => returnToList(alert)}>${returnWords(alert)}</button>`;
}

/** For 10 s after an acknowledgement, an assignment or a snooze: take it back at once. */
export function UndoToast() {
  const offer = undo.value;
  const alert = offer && alertOf(offer.alertId);
  if (!alert || !canReturn(alert)) return null;
  return html`<div class="toast">
    <span>${t(alert.accept_by ? "assign.toast" : alert.snoozed_until ? "snooze.toast" : "return.toast", { what: titleOf(alert), who: plainName(cardOf(alert.patient_id), alert.patient_id) })}</span>
    <button onClick=${() => returnToList(alert)} disabled=${!canCommand()}>${returnWords(alert)}</button>
  </div>`;
}
