// The devices that somebody wears: what is known of each, and whether it is on this person.
import { html, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { age, duration, number, when } from "../page/format.js";
import { post } from "../page/http.js";
import { Age } from "../page/parts.js";
import { troubleWords, useRead, useSending } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { may } from "../page/session.js";
import { personName } from "../page/staff.js";
import { t } from "../page/words.js";
import { Claim } from "./claim.js";
import { Confirm, Loaded, Said } from "./office.js";

const AGAIN_MS = 60_000;
const SOON_MS = 5_000; // while the answer of a device is waited for
const RIGHT_S = 2; // a clock that is off by less is left alone

const RULE = /^whose\.device$/;

export const asksWhoseDevice = (alert) => RULE.test(alert.rule);

/** What the server makes of the device's clock. */
function clockWords({ state, corrected, offset_s: offset }) {
  if (state === "never_set" || state === "jumped") return t(`drift.${state}`);
  if (offset === null) return t("device.clock_unknown");
  if (Math.abs(offset) <= RIGHT_S) return t("device.clock_right");
  const off = t(offset > 0 ? "device.clock_fast" : "device.clock_slow", { time: duration(Math.abs(offset) * 1000) });
  return `${off}, ${t(corrected ? "device.clock_corrected" : "device.clock_left")}`;
}

function Facts({ device, version }) {
  const [{ body }] = useRead(`api/v1/devices/${encodeURIComponent(device.id)}/clock`, version);
  const { battery, connection, last_received_at: heard } = device;
  return html`<ul class="device-facts">
    <li>${t(`connection.${connection.state}`)}${connection.since_at && ` ${t("device.since", { time: when(connection.since_at, now.value) })}`}</li>
    <li>${heard ? t("device.heard", { age: age(now.value - Date.parse(heard)) }) : t("device.never_heard")}</li>
    <li>${t("device.battery")}${" "}
      ${battery ? html`${number(battery.value, 0)} % <${Age} at=${battery.measured_at} state=${battery.state} />` : t("device.not_said")}</li>
    <li>${body ? clockWords(body) : t("device.clock_unknown")}</li>
    ${device.unproven && html`<li class="doubt">${t("device.unproven")}</li>`}
  </ul>`;
}

function wornWords({ standing, by, at }) {
  if (standing === "waiting") return t("worn.waiting");
  return t(`worn.${standing}`, { who: by ? personName(by) : t("worn.wearer"), time: when(at, now.value) });
}

function trouble(error) {
  return error.status === 409 ? t("worn.moved") : troubleWords(error);
}

/** Is it on this person? What is shown is what the server has said, also after an answer. */
function Worn({ device, patientId, again }) {
  const [outcome, run] = useSending();
  const { worn } = device;
  const say = async (confirmed) => {
    const path = `api/v1/devices/${encodeURIComponent(device.id)}/binding/confirm`;
    await run(() => post(path, { patient_id: patientId, confirmed }), wornWords, trouble);
    again();
  };
  const disabled = outcome.phase === "sending" || !canCommand();
  return html`<div class=${`worn ${worn.standing}`}>
    <p><b>${wornWords(worn)}</b>${worn.text && html` <q><bdi>${worn.text}</bdi></q>`}</p>
    ${may("bind") &&
    html`<div class="worn-answers" role="group" aria-label=${device.id}>
      ${worn.standing !== "confirmed" && html`<button disabled=${disabled} onClick=${() => say(true)}>${t("worn.yes")}</button>`}
      ${worn.standing !== "denied" && html`<${Confirm} label=${t("worn.no")} question=${t("worn.then")} yes=${t("worn.no")} disabled=${disabled} onYes=${() => say(false)} />`}
    </div>`}
    ${outcome.phase !== "confirmed" && html`<${Said} outcome=${outcome} />`}
  </div>`;
}

function answerWords({ told_at: told, accepted, text }) {
  if (accepted === false) return t("measure.refused", { why: text });
  return t(accepted ? "measure.measures" : told ? "measure.told" : "measure.away");
}

/** Values now, please. Whether they came is seen at their ages. */
function Ask({ device, again }) {
  const [outcome, run] = useSending();
  const { asked } = device;
  const send = async () => {
    await run(() => post(`api/v1/devices/${encodeURIComponent(device.id)}/measure`), answerWords);
    again();
  };
  return html`<div class="ask">
    ${asked && html`<p>${t("measure.asked", { time: when(asked.at, now.value), who: asked.by ? personName(asked.by) : "…" })} <b>${answerWords(asked)}</b></p>`}
    <button disabled=${outcome.phase === "sending" || !canCommand()} onClick=${send}>${t("measure.now")}</button>
    ${outcome.phase === "refused" && html`<${Said} outcome=${outcome} />`}
  </div>`;
}

const asksNow = ({ asked }) => asked && asked.accepted === null && now.value - Date.parse(asked.at) < AGAIN_MS;

/** `version`: read again when it changes, each minute, and sooner while a device is asked. */
export function Devices({ patientId, version }) {
  const turn = `${version} ${Math.floor(now.value / AGAIN_MS)}`;
  const [asking, setAsking] = useState(false);
  const [held, again] = useRead("api/v1/devices", asking ? `${turn} ${Math.floor(now.value / SOON_MS)}` : turn);
  const own = held.body?.items.filter((device) => device.patient_id === patientId) ?? [];
  if (own.some(asksNow) !== asking) setAsking(!asking);
  return html`<section class="devices" aria-label=${t("device.title")}>
    <h2>${t("device.title")}</h2>
    <${Loaded} held=${held} again=${again}>${own.length === 0 && html`<p class="muted">${t("device.none")}</p>`}</${Loaded}>
    ${own.map(
      (device) => html`<article key=${device.id} class="device">
        <h3><bdi>${device.id}</bdi> <span class="model"><bdi>${device.model}</bdi></span></h3>
        ${device.worn && html`<${Worn} device=${device} patientId=${patientId} again=${again} />`}
        <${Facts} device=${device} version=${turn} />
        ${may("act") && html`<${Ask} device=${device} again=${again} />`}
        ${may("provision") && html`<${Claim} deviceId=${device.id} />`}
      </article>`,
    )}
  </section>`;
}
