// Whom an alert calls now, and if nobody: why not, and which alert leads it. The server decides; here it is put into words.
import { clock } from "./format.js";
import { personName } from "./staff.js";
import { alertOf, cardOf, isOpen, isUnverified } from "./ward.js";
import { t, titleOf, whyOf } from "./words.js";

/** Nobody has it, and nothing keeps it from calling for long: it waits for somebody to come. */
export const waits = (alert) => isOpen(alert) && alert.handling === "unacknowledged" && !alert.snoozed_until && !alert.suppressed_by;

const isGap = (alert) => /^(no_data|no_signal|signal_lost)\./.test(alert.rule);

/** It calls when the planned pause of monitoring is over. */
const waitsForPause = (alert) => alert.held_until === cardOf(alert.patient_id)?.coverage?.until_at;

/** The ward's budget lets its call wait; a value that is not verified yet and data that may come back wait for something else. */
export const isHeld = (alert) => isOpen(alert) && Boolean(alert.held_until) && !isUnverified(alert) && !isGap(alert) && !waitsForPause(alert);
export const isHandedOver = (alert) => isOpen(alert) && Boolean(alert.accept_by);

/** Technical alerts that say that other alerts reach nobody. */
export const isAlarmPath = (alert) => alert.rule === "unanswered" || alert.rule === "self_test";

/** Id of the alert that carries this one, or whose call it has joined; "" = it calls by itself. */
export function leaderOf(alert) {
  if (alert.suppressed_by) return alert.suppressed_by;
  return alert.handling === "unacknowledged" && alert.call?.how === "joined" ? alert.call.by : "";
}

/** Alerts of one patient, in order, as [{id, under}]: those that another one above them leads lie under it. */
export function folded(ids) {
  const groups = new Map();
  const leads = new Map(); // alert id -> the group it lies in
  for (const id of ids) {
    const alert = alertOf(id);
    const leader = alert ? leaderOf(alert) : "";
    const open = leader && leads.has(leader) && isOpen(alertOf(leader)) && isOpen(alert);
    const group = open ? leads.get(leader) : { id, under: [] };
    leads.set(id, group);
    if (open) group.under.push(id);
    else groups.set(id, group);
  }
  return [...groups.values()];
}

const heldWords = (alert) => (waitsForPause(alert) ? "call.held_pause" : isGap(alert) ? "call.held_gap" : isUnverified(alert) ? "call.held_doubt" : "call.held");
const named = (id) => (alertOf(id) ? titleOf(alertOf(id)) : t("call.another"));

/** Why it calls nobody now, in one sentence; "" while it calls, or when somebody has it. */
export function quietWords(alert) {
  if (!isOpen(alert)) return "";
  if (alert.snoozed_until) return snoozeWords(alert);
  if (alert.suppressed_by) return t("call.carried", { what: named(alert.suppressed_by) });
  if (alert.handling === "acknowledged") return "";
  if (alert.held_until) return t(heldWords(alert), { time: clock(alert.held_until) });
  const { how, by } = alert.call ?? {};
  if (how === "joined") return t(alertOf(by)?.handling === "acknowledged" ? "call.attended" : "call.joined", { what: named(by) });
  if (how === "list") return alert.priority === "low" ? t("call.list_low") : t("call.list", { why: whyOf(alert.call) });
  return "";
}

function snoozeWords(alert) {
  const values = { time: clock(alert.snoozed_until), who: personName(alert.snoozed_by), n: alert.snoozes };
  if (!alert.snooze_reason) return t("snooze.stands_bare", values); // a role without names does not see the reason
  return t("snooze.stands", { ...values, why: alert.snooze_reason });
}
