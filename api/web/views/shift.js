// The end of a shift: what was handed over to this person, accepted in one go, and what he still has in hand when he goes off duty.
import { computed, effect, html, signal, useEffect, useRef, useState } from "../page/html.js";
import { announce } from "../page/announce.js";
import { isHandedOver } from "../page/calls.js";
import { accept, assign, canCommand } from "../page/commands.js";
import { clock } from "../page/format.js";
import { get } from "../page/http.js";
import { Badge, Name } from "../page/parts.js";
import { go, route } from "../page/route.js";
import { now } from "../page/server_time.js";
import { session, viewer } from "../page/session.js";
import { link } from "../page/stream.js";
import { alertOf, cardOf, isOpen, workOrder } from "../page/ward.js";
import { t, textOf, titleOf } from "../page/words.js";
import { AcceptButton, AcknowledgeButton, Outcome, mayAcknowledgeNow, mayAct } from "./acknowledge.js";
import { standing } from "./alert_line.js";
import { canPassOn, openPassOn } from "./pass_on.js";
import { listHeld } from "./work_list.js";

const AGAIN_MS = 60_000;
const SOON_MS = 30 * 60_000;

const me = () => session.value?.name;

/** {whose, ends}: of each ward for which that person is on call, when that ends and who is on call then. */
const duty = signal({ whose: "", ends: [] });
const turn = computed(() => link.value.state === "live" && mayAct() && `${viewer.value} ${Math.floor(now.value / AGAIN_MS)}`);
effect(() => {
  if (!turn.value) return;
  const whose = session.peek().name;
  get("api/v1/teams").then(
    ({ items }) => (duty.value = { whose, ends: items.filter(({ off }) => off).map(({ team, off }) => ({ ward: team.ward, ...off })) }),
    () => {}, // what was known stays
  );
});

const open = () => workOrder.value.map(alertOf).filter((alert) => alert && isOpen(alert));
const isForMe = (alert) => isHandedOver(alert) && alert.owner === me();
const isMine = (alert) => (alert.handling === "acknowledged" ? (alert.owner || alert.acknowledged_by) === me() && !alert.accept_by : alert.snoozed_by === me() && Boolean(alert.snoozed_until));

/** The ends of this person's duty, each with what he has in hand of that ward. */
function ends() {
  const { whose, ends: all } = duty.value;
  if (whose !== me()) return [];
  const mine = open().filter(isMine);
  return all.map((end) => ({ ...end, alerts: mine.filter((alert) => cardOf(alert.patient_id)?.ward === end.ward) }));
}

/** A line that comes moves the list under it: it waits until no hand is on that, as new rows do. */
function Line({ text, act }) {
  const shown = useRef(false);
  now.value;
  shown.current ||= !listHeld();
  useEffect(() => announce(text, "polite"), [text]);
  return shown.current && html`<p class="notice">${text} <button onClick=${() => go("handover")}>${t(act)}</button></p>`;
}

/** On every view but the one where it is done. */
export function ShiftNotices() {
  if (!mayAct() || route.value.view === "handover") return null;
  const n = open().filter(isForMe).length;
  const soon = ends().filter(({ at, alerts }) => alerts.length && Date.parse(at) - now.value <= SOON_MS);
  return html`${n > 0 && html`<${Line} key="mine" text=${t("handover.for_you", { n })} act="shift.look" />`}
    ${soon.map(({ ward, at, alerts }) => html`<${Line} key=${ward} text=${t("shift.ends", { time: clock(at), n: alerts.length })} act="shift.hand_over" />`)}`;
}

/** Each as it was when this list first showed it. Whoever looks at it has not seen what changed since. */
function useSeen(alerts) {
  const seen = useRef(new Map()).current;
  for (const alert of alerts) if (!seen.has(alert.id)) seen.set(alert.id, alert);
  return [...seen.values()].map((was) => ({ was, alert: alertOf(was.id) ?? was }));
}

/** Of high priority what nobody has acknowledged is taken after a look at its card, never with others. */
const isSeen = (alert) => alert.handling === "acknowledged" || mayAcknowledgeNow(alert);
const isFree = (alert) => isOpen(alert) && alert.handling === "unacknowledged" && !isHandedOver(alert) && !alert.snoozed_until;

function Take({ alert }) {
  if (!isSeen(alert)) return html`<button onClick=${() => go("worklist", alert.id)}>${t("ack.look")}</button>`;
  return html`<${AcceptButton} alert=${alert} /><${AcknowledgeButton} alert=${alert} />`;
}

function Item({ was, alert, waits, children }) {
  const free = !waits && isFree(alert);
  return html`<li>
    <p><${Badge} alert=${alert} /> <b><${Name} card=${cardOf(alert.patient_id)} id=${alert.patient_id} /></b></p>
    <p><button class="plain" onClick=${() => go("worklist", alert.id)}><b>${titleOf(alert)}</b></button> ${textOf(alert)}</p>
    <p class="standing">${standing(alert, now.value)}</p>
    ${waits && alert.version !== was.version && html`<p class="notice">${t("shift.changed")}</p>`}
    ${free && html`<p class="notice">${t("shift.free")}</p>`}
    <p class="actions">${waits && children}${free && html`<${Take} alert=${alert} />`} <${Outcome} alertId=${alert.id} /></p>
  </li>`;
}

/**
 * The `alerts` that wait, and, while somebody looks at the list, what became of those that did. `ready(alert)`: it may be sent with
 * the others, one after the other, each with the version that was seen. `buttons`: [key, values, act] of what sends all.
 */
function List({ title, words, alerts, ready = () => true, single, buttons }) {
  const [sending, setSending] = useState(false);
  const lines = useSeen(alerts);
  const waits = ({ id }) => alerts.some((one) => one.id === id);
  const together = lines.filter(({ was, alert }) => waits(alert) && alert.version === was.version && ready(alert));
  const send = async (act) => {
    setSending(true);
    for (const { was } of together) await act(was);
    setSending(false);
  };
  if (!lines.length) return null;
  return html`<section class="handover-note shift">
    <h2>${title}</h2>
    <p>${words}</p>
    <ul class="open">${lines.map(({ was, alert }) => html`<${Item} key=${alert.id} was=${was} alert=${alert} waits=${waits(alert)}>${single(alert)}<//>`)}</ul>
    ${together.length > 1 && buttons.map(([key, values, act]) => html`<button class="main" key=${values.who ?? key} disabled=${sending || !canCommand()} onClick=${() => send(act)}>${t(key, { ...values, n: together.length })}</button>`)}
  </section>`;
}

const ForMe = () =>
  html`<${List} title=${t("shift.for_me")} words=${t("shift.accept_words")} alerts=${open().filter(isForMe)} ready=${isSeen} single=${(alert) => html`<${Take} alert=${alert} />`} buttons=${[["shift.accept_all", {}, accept]]} />`;

function InHand({ at, on_call, alerts }) {
  const others = on_call.filter(({ id }) => id !== me());
  const [next] = others;
  const single = (alert) => canPassOn("assign", alert) && html`<button disabled=${!canCommand()} onClick=${() => openPassOn("assign", alert)}>${t("act.assign")}</button>`;
  const words = next ? t("shift.goes_to", { time: clock(at), who: next.name }) : t("shift.goes_back", { time: clock(at) });
  const buttons = others.map(({ id, name }) => ["shift.assign_all", { who: name }, (alert) => assign(alert, id, "")]);
  return html`<${List} title=${t("shift.in_hand")} words=${words} alerts=${alerts} single=${single} buttons=${buttons} />`;
}

/** On top of the hand-over view. */
export const Shift = () => mayAct() && html`<${ForMe} />${ends().map((end) => html`<${InHand} key=${end.ward} ...${end} />`)}`;
