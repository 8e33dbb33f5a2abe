// One alert in one line: badge, what, and where it stands.
import { html } from "../page/html.js";
import { clock, countdown, duration } from "../page/format.js";
import { now } from "../page/server_time.js";
import { isHandedOver, leaderOf, quietWords } from "../page/calls.js";
import { outcomeOf } from "../page/commands.js";
import { session } from "../page/session.js";
import { personName } from "../page/staff.js";
import { isOpen, looking } from "../page/ward.js";
import { Badge } from "../page/parts.js";
import { t, textOf, titleOf } from "../page/words.js";
import { AcceptButton, AcknowledgeButton, Outcome, canAcknowledge, mayAcknowledgeNow, mayAct } from "./acknowledge.js";

const endedWords = (alert) =>
  alert.ended_at
    ? t("alert.ended", { time: clock(alert.ended_at), long: duration(Date.parse(alert.ended_at) - Date.parse(alert.onset_at)) })
    : t("alert.gone");

/** Who has it, and until when. */
function handledWords(alert) {
  const owner = alert.owner || alert.acknowledged_by;
  if (isHandedOver(alert)) {
    const values = { who: personName(alert.acknowledged_by), owner: personName(owner), time: clock(alert.accept_by) };
    return [t(owner === session.value?.name ? "handed.to_you" : "handed.to", values)];
  }
  const parts = [t("alert.has_it", { who: personName(owner), time: clock(alert.acknowledged_at) })];
  if (alert.deadline_at) parts.push(t("alert.reminder", { time: clock(alert.deadline_at) }));
  return parts;
}

/** An escalation calls somebody only where the alert calls by itself. */
function escalationWords(alert, at) {
  if (leaderOf(alert)) return [];
  const parts = [];
  if (alert.escalation_level > 0) parts.push(t("alert.escalated", { n: alert.escalation_level }));
  const quiet = alert.snoozed_until || alert.held_until;
  if (!quiet && alert.deadline_at && alert.state === "active" && Date.parse(alert.deadline_at) > at) {
    parts.push(t("alert.escalates", { time: countdown(Date.parse(alert.deadline_at) - at) }));
  }
  return parts;
}

/** Who else has its card open: two need not run for one. */
function lookers(alert) {
  const others = (looking.value.get(alert.id) ?? []).filter((name) => name !== session.value?.name && name !== alert.owner);
  return others.length ? [t("looking.by", { who: others.map(personName).join(t("list.comma")), n: others.length })] : [];
}

/** Where the alert stands, in words: waiting, taken, set aside, ended; and who looks at it. */
export const standing = (alert, at) => (isOpen(alert) ? [...lookers(alert), stands(alert, at)].join(" · ") : endedWords(alert));

function stands(alert, at) {
  const quiet = quietWords(alert);
  const parts = quiet ? [quiet] : [];
  if (alert.handling === "acknowledged") return [...handledWords(alert), ...parts].join(" · ");
  if (!alert.snoozed_until) parts.unshift(t("alert.waiting", { time: duration(at - Date.parse(alert.opened_at)) }));
  if (isHandedOver(alert)) {
    const mine = alert.owner === session.value?.name;
    parts.unshift(t(mine ? "assigned.to_you" : "assigned.to", { who: personName(alert.owner), time: clock(alert.accept_by) }));
  }
  if (alert.amended) parts.push(t("alert.amended"));
  if (alert.retrospective) parts.push(t("alert.retrospective"));
  else if (alert.state === "cleared") parts.push(`${endedWords(alert)} ${t("alert.to_close")}`);
  if (alert.condition === "unknown") parts.push(t("alert.unknown"));
  return [...parts, ...escalationWords(alert, at)].join(" · ");
}

/** Its card has to be opened first, and its own button does that. */
export const mustLook = (alert) => mayAct() && canAcknowledge(alert) && !mayAcknowledgeNow(alert);

function Act({ alert, onOpen, tabIndex }) {
  const open = (event) => {
    event.stopPropagation();
    onOpen(alert.id);
  };
  if (mustLook(alert)) return html`<button tabindex=${tabIndex} onClick=${open}>${t("ack.look")}</button>`;
  if (isHandedOver(alert)) return html`<${AcceptButton} alert=${alert} tabIndex=${tabIndex} />`;
  return html`<${AcknowledgeButton} alert=${alert} tabIndex=${tabIndex} />`;
}

/** `onOpen` shows the card; a high alert is opened before it can be acknowledged. `under`: another one leads it. `tabIndex`: of its
 * button; in the rows of a list there is one tab stop, and keys act on the row. */
export function AlertLine({ alert, onOpen, under = false, tabIndex = "-1" }) {
  const outcome = outcomeOf(alert.id).value;
  const place = (under ? "under " : "") + (isOpen(alert) ? "" : "over");
  return html`<div class=${`alert-line ${alert.priority} ${place}`} data-alert=${alert.id} onClick=${under && ((event) => {
    event.stopPropagation();
    onOpen(alert.id);
  })}>
    <${Badge} alert=${alert} />
    <span class="what"><b>${titleOf(alert)}</b> <span class="sentence">${textOf(alert)}</span></span>
    <span class="standing">${outcome && outcome.phase !== "sending" ? html`<${Outcome} alertId=${alert.id} />` : standing(alert, now.value)}</span>
    <span class="act"><${Act} alert=${alert} onOpen=${onOpen} tabIndex=${tabIndex} /></span>
  </div>`;
}
