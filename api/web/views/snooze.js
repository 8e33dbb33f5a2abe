// Setting an alert aside: a bounded time, a reason, at most two in a row. Its end is the server's timer.
import { html, signal, useEffect, useRef, useState } from "../page/html.js";
import { isHandedOver } from "../page/calls.js";
import { canCommand, outcomeOf, snooze } from "../page/commands.js";
import { clock, duration } from "../page/format.js";
import { now } from "../page/server_time.js";
import { session } from "../page/session.js";
import { cardOf, isOpen } from "../page/ward.js";
import { Name } from "../page/parts.js";
import { t } from "../page/words.js";
import { mayAct } from "./acknowledge.js";

const MINUTE = 60_000;
/** The choices of each priority, minutes: the longest is the server's bound. */
const CHOICES = { high: [5, 10], medium: [10, 30], low: [60, 240] };
const MOST_IN_A_ROW = 2;
const REASONS = ["with_patient", "treated", "refitting", "planned"];

/** The alert as it was when the nurse asked to set it aside, or null. */
const asked = signal(null);

/** Reminders of what a colleague deals with are his. */
const isAnothers = (alert) => alert.handling === "acknowledged" && (alert.owner || alert.acknowledged_by) !== session.value.name;

export const mayBeSnoozed = (alert) => mayAct() && isOpen(alert) && alert.state === "active" && !isHandedOver(alert) && !isAnothers(alert);
export const canSnooze = (alert) => mayBeSnoozed(alert) && alert.snoozes < MOST_IN_A_ROW;

export function openSnooze(alert) {
  if (canCommand()) asked.value = alert;
}

export function SnoozeButton({ alert }) {
  if (!mayBeSnoozed(alert)) return null;
  if (!canSnooze(alert)) return html`<span class="muted no-snooze">${t("snooze.no_more")}</span>`;
  const sending = outcomeOf(alert.id).value?.phase === "sending";
  return html`<button class="snooze" disabled=${sending || !canCommand()} onClick=${() => openSnooze(alert)}>
    ${t(alert.snoozed_until ? "snooze.again" : "snooze.button")}
  </button>`;
}

function Times({ choices, minutes, onChoose }) {
  return html`<fieldset class="times">
    <legend>${t("snooze.how_long")}</legend>
    ${choices.map(
      (each) => html`<label class="choice" key=${each}>
        <input type="radio" name="minutes" value=${each} checked=${each === minutes} onChange=${() => onChoose(each)} />${duration(each * MINUTE)}
      </label>`,
    )}
  </fieldset>`;
}

/** One tap on a reason sends; "other" takes words. */
function Reasons({ onReason }) {
  const other = (event) => {
    event.preventDefault();
    const words = new FormData(event.currentTarget).get("reason").trim();
    if (words) onReason(words);
  };
  return html`<fieldset class="reasons">
      <legend>${t("snooze.why")}</legend>
      ${REASONS.map((each) => html`<button type="button" key=${each} onClick=${() => onReason(t(`reason.${each}`))}>${t(`reason.${each}`)}</button>`)}
    </fieldset>
    <form class="other-reason" onSubmit=${other}>
      <label>${t("reason.other")} <input name="reason" required maxlength="200" autocomplete="off" /></label>
      <button>${t("snooze.submit")}</button>
    </form>`;
}

function Dialog({ alert }) {
  const dialog = useRef(null);
  const choices = CHOICES[alert.priority];
  const [minutes, setMinutes] = useState(choices[0]);
  const close = () => {
    asked.value = null;
  };
  useEffect(() => {
    dialog.current.showModal();
    return close; // also when the screen locks, or somebody else logs in
  }, []);
  const send = (reason) => {
    snooze(alert, minutes, reason);
    close();
  };
  const values = { time: clock(now.value + minutes * MINUTE), n: alert.snoozes + 1, most: MOST_IN_A_ROW };
  return html`<dialog class="snooze-dialog" ref=${dialog} onClose=${close} aria-labelledby="snooze-title">
    <h2 id="snooze-title">${t("snooze.title", { what: alert.title })} <${Name} card=${cardOf(alert.patient_id)} id=${alert.patient_id} /></h2>
    <${Times} choices=${choices} minutes=${minutes} onChoose=${setMinutes} />
    <p class="promise">${t("snooze.promise", values)}</p>
    <${Reasons} onReason=${send} />
    <form method="dialog"><button autofocus>${t("snooze.cancel")}</button></form>
  </dialog>`;
}

export function SnoozeDialog() {
  const alert = asked.value;
  return alert && html`<${Dialog} key=${alert.id} alert=${alert} />`;
}
