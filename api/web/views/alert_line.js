// One alert in one line of constant height: badge, what, and where it stands.
import { html } from "../page/html.js";
import { clock, countdown, duration } from "../page/format.js";
import { now } from "../page/server_time.js";
import { outcomeOf } from "../page/commands.js";
import { isOpen } from "../page/ward.js";
import { Badge } from "../page/parts.js";
import { t } from "../page/words.js";
import { AcknowledgeButton, Outcome, canAcknowledge, mayAcknowledgeNow, mayAct } from "./acknowledge.js";

const endedWords = (alert) =>
  alert.ended_at
    ? t("alert.ended", { time: clock(alert.ended_at), long: duration(Date.parse(alert.ended_at) - Date.parse(alert.onset_at)) })
    : t("alert.gone");

/** Where the alert stands, in words: waiting, taken, ended. */
export function standing(alert, at) {
  if (!isOpen(alert)) return endedWords(alert);
  const parts = [];
  if (alert.handling === "acknowledged") {
    parts.push(t("alert.has_it", { who: alert.acknowledged_by, time: clock(alert.acknowledged_at) }));
    if (alert.deadline_at) parts.push(t("alert.reminder", { time: clock(alert.deadline_at) }));
    return parts.join(" · ");
  }
  parts.push(t("alert.waiting", { time: duration(at - Date.parse(alert.opened_at)) }));
  if (alert.retrospective) parts.push(t("alert.retrospective"));
  else if (alert.state === "cleared") parts.push(`${endedWords(alert)} ${t("alert.to_close")}`);
  if (alert.condition === "unknown") parts.push(t("alert.unknown"));
  if (alert.escalation_level > 0) parts.push(t("alert.escalated", { n: alert.escalation_level }));
  if (alert.deadline_at && alert.state === "active" && Date.parse(alert.deadline_at) > at) {
    parts.push(t("alert.escalates", { time: countdown(Date.parse(alert.deadline_at) - at) }));
  }
  return parts.join(" · ");
}

/** `onOpen` shows the card; a high alert is opened before it can be acknowledged. */
export function AlertLine({ alert, onOpen }) {
  const outcome = outcomeOf(alert.id).value;
  const look = mayAct() && canAcknowledge(alert) && !mayAcknowledgeNow(alert);
  const open = (event) => {
    event.stopPropagation();
    onOpen(alert.id);
  };
  return html`<div class=${`alert-line ${alert.priority} ${isOpen(alert) ? "" : "over"}`}>
    <${Badge} alert=${alert} />
    <span class="what"><b>${alert.title}</b> <span class="sentence">${alert.text}</span></span>
    <span class="standing">${outcome && outcome.phase !== "sending" ? html`<${Outcome} alertId=${alert.id} />` : standing(alert, now.value)}</span>
    <span class="act">
      ${look
        ? html`<button tabindex="-1" onClick=${open}>${t("ack.look")}</button>`
        : html`<${AcknowledgeButton} alert=${alert} tabIndex="-1" />`}
    </span>
  </div>`;
}
