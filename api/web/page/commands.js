// Commands to the server. The screen changes only when the server has confirmed; every outcome has its sentence.
import { effect, signal } from "./html.js";
import { clock } from "./format.js";
import { NoAnswer, Refused, post } from "./http.js";
import { serverNow } from "./server_time.js";
import { session, sessionEnded } from "./session.js";
import { link } from "./stream.js";
import { alertOf, applyAlert, isOpen, loaded, refreshOrder } from "./ward.js";
import { announce } from "./announce.js";
import { t } from "./words.js";

const ANSWER_MS = 5000;
const TOAST_MS = 10_000;

/** alert id -> signal of {phase, key, values, command} or null; phase: sending | confirmed | unconfirmed | conflict | session | refused */
const outcomes = new Map();
/** {alertId, version} of the acknowledgement that can be taken back, for 10 s */
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

function confirmed(command, alert) {
  applyAlert(alert);
  refreshOrder();
  if (command.act === "return") {
    undo.value = null;
    settle(alert.id, "confirmed", "ack.returned", { time: clock(serverNow()) }, command);
    return;
  }
  const values = { time: clock(alert.acknowledged_at ?? serverNow()) };
  let key = "ack.done";
  if (!isOpen(alert)) key = "ack.closed";
  else if (alert.deadline_at) {
    key = "ack.done_reminder";
    values.reminder = clock(alert.deadline_at);
  }
  settle(alert.id, "confirmed", key, values, command);
  if (isOpen(alert)) offerUndo(alert);
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
  if (alert && !isOpen(alert)) return settle(alert.id, "conflict", "ack.ended", {}, command);
  if (alert && alert.handling === "acknowledged" && alert.acknowledged_by !== "" && seen.handling !== "acknowledged") {
    const values = { who: alert.acknowledged_by, time: clock(alert.acknowledged_at) };
    return settle(alert.id, "conflict", "ack.taken", values, command);
  }
  const worse = alert && RANK[alert.priority] > RANK[seen.priority];
  return settle(command.alertId, "conflict", worse ? "ack.worse" : "ack.changed", { what: alert?.title ?? "" }, command);
}

function failed(command, error) {
  if (error instanceof NoAnswer) {
    settle(command.alertId, "unconfirmed", command.act === "return" ? "return.unconfirmed" : "ack.unconfirmed", {}, command);
  } else if (!(error instanceof Refused)) {
    throw error;
  } else if (error.status === 409) {
    conflict(command, error.problem.alert);
  } else if (error.status === 401) {
    settle(command.alertId, "session", "ack.session", {}, command);
  } else if (error.status >= 500) {
    settle(command.alertId, "unconfirmed", command.act === "return" ? "return.unconfirmed" : "ack.unconfirmed", {}, command);
  } else {
    settle(command.alertId, "refused", error.status === 403 ? "ack.forbidden" : "ack.refused", { why: error.problem.detail ?? "" }, command);
  }
}

async function send(command) {
  outcomeOf(command.alertId).value = { phase: "sending", key: "ack.sending", values: {}, command };
  const path = `api/v1/alerts/${encodeURIComponent(command.alertId)}/${command.act}`;
  try {
    const body = { version: command.seen.version, command_id: command.id };
    confirmed(command, await post(path, body, { timeoutMs: ANSWER_MS }));
  } catch (error) {
    failed(command, error);
  }
}

export const canCommand = () => link.value.state === "live" && !sessionEnded.value;

function start(act, alert) {
  if (!canCommand() || outcomeOf(alert.id).peek()?.phase === "sending") return;
  send({ act, alertId: alert.id, id: commandId(), seen: alert });
}

export const acknowledge = (alert) => start("acknowledge", alert);
export const returnToList = (alert) => start("return", alert);

/** The same command again, under the same id: the server takes it once. */
export function tryAgain(alertId) {
  const outcome = outcomeOf(alertId).peek();
  if (outcome?.command && canCommand()) send(outcome.command);
}

export function dismiss(alertId) {
  outcomeOf(alertId).value = null;
}

// After a new log-in: what was held back by the old token is repeated if the alert is still as it was seen, else asked again.
export function repeatAfterLogIn() {
  effect(() => {
    if (!session.value || sessionEnded.value || link.value.state !== "live" || !loaded.value) return;
    for (const held of outcomes.values()) {
      const outcome = held.peek();
      if (outcome?.phase !== "session") continue;
      const alert = alertOf(outcome.command.alertId);
      if (alert && alert.version === outcome.command.seen.version) send(outcome.command);
      else conflict(outcome.command, alert);
    }
  });
}
