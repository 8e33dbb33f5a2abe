// What a nurse does with an alert that she does not deal with now: sets it aside for a while, asks a colleague, or calls the next level.
import { html, signal, useEffect, useRef, useState } from "../page/html.js";
import { isHandedOver } from "../page/calls.js";
import { assign, canCommand, escalate, outcomeOf, snooze } from "../page/commands.js";
import { clock, duration } from "../page/format.js";
import { useRead } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { session } from "../page/session.js";
import { cardOf, isOpen } from "../page/ward.js";
import { Name } from "../page/parts.js";
import { t, titleOf } from "../page/words.js";
import { mayAct } from "./acknowledge.js";

const MINUTE = 60_000;
const ACCEPT_WITHIN = 10 * MINUTE;
/** The choices of each priority, minutes: the longest is the server's bound. */
const CHOICES = { high: [5, 10], medium: [10, 30], low: [60, 240] };
const MOST_IN_A_ROW = 2;
const REASONS = ["with_patient", "treated", "refitting", "planned"];

/** {act, alert}: what the nurse asked for, with the alert as it was then; or null. */
const asked = signal(null);

/** What a colleague deals with is his to pass on, and so are its reminders. */
const isAnothers = (alert) => alert.handling === "acknowledged" && (alert.owner || alert.acknowledged_by) !== session.value.name;

const isFree = (alert) => mayAct() && isOpen(alert) && !isAnothers(alert);
const mayBeSnoozed = (alert) => isFree(alert) && alert.state === "active" && !isHandedOver(alert);

/** Is the act there for this alert? */
const CAN = {
  snooze: (alert) => mayBeSnoozed(alert) && alert.snoozes < MOST_IN_A_ROW,
  escalate: (alert) => isFree(alert) && alert.state === "active",
  assign: isFree,
};
export const canPassOn = (act, alert) => CAN[act](alert);

export function openPassOn(act, alert) {
  if (canCommand()) asked.value = { act, alert };
}

export function PassOnButtons({ alert }) {
  const sending = outcomeOf(alert.id).value?.phase === "sending";
  const spent = mayBeSnoozed(alert) && !canPassOn("snooze", alert);
  return html`${spent && html`<span class="muted no-snooze">${t("snooze.no_more")}</span>`}
    ${Object.keys(CAN).map(
      (act) =>
        canPassOn(act, alert) &&
        html`<button key=${act} class=${act} disabled=${sending || !canCommand()} onClick=${() => openPassOn(act, alert)}>
          ${t(act === "snooze" && alert.snoozed_until ? "snooze.again" : `act.${act}`)}
        </button>`,
    )}`;
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

/** One tap on one of `choices`, [value, words], sends. */
const Taps = ({ legend, choices, onTap }) => html`<fieldset class="reasons">
  <legend>${t(legend)}</legend>
  ${choices.map(([value, words]) => html`<button type="button" key=${value} onClick=${() => onTap(value)}><bdi>${words}</bdi></button>`)}
</fieldset>`;

/** One tap on a reason sends; "other" takes words. */
function Snooze({ alert, send }) {
  const choices = CHOICES[alert.priority];
  const [minutes, setMinutes] = useState(choices[0]);
  const because = (reason) => send(snooze, minutes, reason);
  const other = (event) => {
    event.preventDefault();
    const words = new FormData(event.currentTarget).get("reason").trim();
    if (words) because(words);
  };
  const values = { time: clock(now.value + minutes * MINUTE), n: alert.snoozes + 1, most: MOST_IN_A_ROW };
  return html`<${Times} choices=${choices} minutes=${minutes} onChoose=${setMinutes} />
    <p class="promise">${t("snooze.promise", values)}</p>
    <${Taps} legend="snooze.why" choices=${REASONS.map((each) => [t(`reason.${each}`), t(`reason.${each}`)])} onTap=${because} />
    <form class="other-reason" onSubmit=${other}>
      <label>${t("reason.other")} <input name="reason" required maxlength="200" autocomplete="off" /></label>
      <button>${t("act.snooze")}</button>
    </form>`;
}

function Assign({ alert, send }) {
  const [{ state, body }] = useRead(`api/v1/alerts/${encodeURIComponent(alert.id)}/people`);
  const note = useRef(null);
  const people = (body?.items ?? []).map(({ id, name }) => [id, name]);
  return html`<p class="promise">${t("assign.promise", { time: clock(now.value + ACCEPT_WITHIN) })}</p>
    <label class="note">${t("assign.note")} <input ref=${note} maxlength="200" autocomplete="off" /></label>
    <${Taps} legend="assign.whom" choices=${people} onTap=${(id) => send(assign, id, note.current.value.trim())} />
    ${!people.length && html`<p class="muted">${t(state === "ready" ? "assign.nobody" : state === "failed" ? "office.failed" : "list.loading")}</p>`}`;
}

const Escalate = ({ send }) => html`<p class="promise">${t("escalate.promise")}</p>
  <button class="main" onClick=${() => send(escalate)}>${t("act.escalate")}</button>`;

const FORMS = { snooze: Snooze, escalate: Escalate, assign: Assign };

function Dialog({ act, alert }) {
  const dialog = useRef(null);
  const close = () => {
    asked.value = null;
  };
  useEffect(() => {
    dialog.current.showModal();
    return close; // also when the screen locks, or somebody else logs in
  }, []);
  const send = (command, ...more) => {
    command(alert, ...more);
    close();
  };
  return html`<dialog class="pass-dialog" ref=${dialog} onClose=${close} aria-labelledby="pass-title">
    <h2 id="pass-title">${t(`ask.${act}`, { what: titleOf(alert) })} <${Name} card=${cardOf(alert.patient_id)} id=${alert.patient_id} /></h2>
    <${FORMS[act]} alert=${alert} send=${send} />
    <form method="dialog"><button autofocus>${t(`leave.${act}`)}</button></form>
  </dialog>`;
}

export const PassOnDialog = () => asked.value && html`<${Dialog} ...${asked.value} key=${asked.value.alert.id} />`;
