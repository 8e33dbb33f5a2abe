// Commands to the server. The screen changes only when the server has confirmed; every outcome has its sentence.
import { effect, signal } from "./html.js";
import { clock } from "./format.js";
import { NoAnswer, Refused, post } from "./http.js";
import { serverNow } from "./server_time.js";
import { session, sessionEnded, viewer } from "./session.js";
import { personName } from "./staff.js";
import { link } from "./stream.js";
import { alertOf, applyAlert, isOpen, loaded, refreshOrder } from "./ward.js";
import { announce } from "./announce.js";
import { t, titleOf } from "./words.js";

const ANSWER_MS = 5000;
const TOAST_MS = 10_000;

/** alert id -> signal of {phase, key, values, command} or null; phase: sending | confirmed | unconfirmed | conflict | session | refused */
const outcomes = new Map();
/** {alertId, version} of what can be taken back, for 10 s */
export const undo = signal(null);

export function outcomeOf(alertId) {
  if (!outcomes.has(alertId)) outcomes.set(alertId, signal(null));
  return outcomes.get(alertId);
}

/** Opaque id of one command, kept over its repeats (randomUUID needs https, this does not). */
export function commandId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const RANK = { low: 1, medium: 2, high: 3 };

function settle(alertId, phase, key, values, command) {
  outcomeOf(alertId).value = { phase, key, values, command };
  announce(t(key, values), phase === "confirmed" ? "polite" : "assertive");
}

function acknowledgedWords(alert) {
  const values = { time: clock(alert.acknowledged_at ?? serverNow()) };
  if (!isOpen(alert)) return ["ack.closed", values];
  if (!alert.deadline_at) return ["ack.done", values];
  return ["ack.done_reminder", { ...values, reminder: clock(alert.deadline_at) }];
}

/** Each act: what is said when it is confirmed, and when no answer came. */
const ACTS = {
  acknowledge: { done: acknowledgedWords, unconfirmed: "ack.unconfirmed" },
  return: { done: () => ["ack.returned", { time: clock(serverNow()) }], unconfirmed: "return.unconfirmed" },
  snooze: { done: (alert) => ["snooze.done", { time: clock(alert.snoozed_until ?? serverNow()) }], unconfirmed: "snooze.unconfirmed" },
  assign: { done: (alert) => ["assign.done", { who: personName(alert.owner), time: clock(alert.accept_by) }], unconfirmed: "pass.unconfirmed" },
  escalate: { done: (alert) => ["escalate.done", { n: alert.escalation_level, time: clock(serverNow()) }], unconfirmed: "pass.unconfirmed" },
  accept: { done: () => ["accept.done", { time: clock(serverNow()) }], unconfirmed: "accept.unconfirmed" },
};

const UNDONE = new Set(["acknowledge", "assign", "snooze"]);

function confirmed(command, alert) {
  applyAlert(alert);
  refreshOrder();
  const [key, values] = ACTS[command.act].done(alert);
  if (command.act === "return") undo.value = null;
  settle(alert.id, "confirmed", key, values, command);
  // To take back the snooze of an alert that somebody deals with would give back the alert too.
  if (UNDONE.has(command.act) && isOpen(alert) && (command.act !== "snooze" || alert.handling === "unacknowledged")) offerUndo(alert);
}

function offerUndo(alert) {
  const offer = { alertId: alert.id, version: alert.version };
  undo.value = offer;
  setTimeout(() => {
    if (undo.peek() === offer) undo.value = null;
  }, TOAST_MS);
}

/** 409: the alert changed since it was drawn here. Says who or how. */
function conflict(command, current) {
  if (current) applyAlert(current);
  const alert = current ?? alertOf(command.alertId);
  const seen = command.seen;
  const say = (key, values = {}) => settle(command.alertId, "conflict", key, values, command);
  if (alert && !isOpen(alert)) return say("ack.ended");
  if (alert?.handling === "acknowledged" && alert.acknowledged_by !== "" && seen.handling !== "acknowledged") {
    return say("ack.taken", { who: personName(alert.acknowledged_by), time: clock(alert.acknowledged_at) });
  }
  if (command.act === "accept" && alert?.owner && !alert.accept_by) return say("accept.taken", { who: personName(alert.owner) });
  const worse = alert && RANK[alert.priority] > RANK[seen.priority];
  return say(worse ? "ack.worse" : "ack.changed", { what: alert ? titleOf(alert) : "" });
}

function failed(command, error) {
  const say = (phase, key, values = {}) => settle(command.alertId, phase, key, values, command);
  if (!(error instanceof NoAnswer || error instanceof Refused)) throw error;
  if (error instanceof NoAnswer || error.status >= 500) return say("unconfirmed", ACTS[command.act].unconfirmed);
  const { called } = error.problem;
  if (called) return say("refused", "escalate.top", { who: called.join(", ") || t("escalate.everybody") });
  if (error.status === 409) return conflict(command, error.problem.alert);
  if (error.status === 401) return say("session", "ack.session");
  if (error.status === 403 && session.peek()?.locked) return say("session", "lock.not_sent");
  return say("refused", error.status === 403 ? "ack.forbidden" : "ack.refused", { why: error.problem.detail ?? "" });
}

async function send(command) {
  outcomeOf(command.alertId).value = { phase: "sending", key: "ack.sending", values: {}, command };
  const path = `api/v1/alerts/${encodeURIComponent(command.alertId)}/${command.act}`;
  try {
    const body = { version: command.seen.version, command_id: command.id, ...command.more };
    confirmed(command, await post(path, body, { timeoutMs: ANSWER_MS }));
  } catch (error) {
    failed(command, error);
  }
}

export const canCommand = () => link.value.state === "live" && !sessionEnded.value && !session.value?.locked;

function start(act, alert, more = {}) {
  if (!canCommand() || outcomeOf(alert.id).peek()?.phase === "sending") return undefined;
  return send({ act, alertId: alert.id, id: commandId(), seen: alert, more, by: session.peek().name });
}

export const acknowledge = (alert) => start("acknowledge", alert);
export const returnToList = (alert) => start("return", alert);
export const accept = (alert) => start("accept", alert);
export const assign = (alert, to, note) => start("assign", alert, { to, note });
export const escalate = (alert) => start("escalate", alert);
export const snooze = (alert, minutes, reason) => start("snooze", alert, { minutes, reason });

/** The same command again, under the same id: the server takes it once. */
export function tryAgain(alertId) {
  const outcome = outcomeOf(alertId).peek();
  if (outcome?.command && canCommand()) send(outcome.command);
}

export function dismiss(alertId) {
  outcomeOf(alertId).value = null;
}

// After log-in or unlocking: what was held back is repeated if the alert is still as it was seen, else asked again. Only for whom
// gave the command: somebody else who logs in has not.
export function repeatAfterLogIn() {
  effect(() => {
    if (!viewer.value || !canCommand() || !loaded.value) return;
    for (const held of outcomes.values()) {
      const outcome = held.peek();
      if (outcome?.phase !== "session") continue;
      if (outcome.command.by !== session.peek().name) {
        held.value = null;
        continue;
      }
      const alert = alertOf(outcome.command.alertId);
      if (alert && alert.version === outcome.command.seen.version) send(outcome.command);
      else conflict(outcome.command, alert);
    }
  });
}
