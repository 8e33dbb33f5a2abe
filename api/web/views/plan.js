// How to reach a person and the next of kin, the ceiling of care, and a planned pause of monitoring.
import { html, signal, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { calendar, clock, duration, when } from "../page/format.js";
import { ofPatient, post, request } from "../page/http.js";
import { useRead, useSending } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { may } from "../page/session.js";
import { personName } from "../page/staff.js";
import { t } from "../page/words.js";
import { mayAct } from "./acknowledge.js";
import { Confirm, Loaded, Said } from "./office.js";

/** Counts what was changed on this screen, so that each place reads it again. */
const changes = signal(0);
const useContacts = (patientId) => useRead(ofPatient(patientId, "contacts"), changes.value);

/** Name of the field -> kind of input and most characters; the server's bounds. */
const FIELDS = {
  phone: ["tel", 40],
  address: ["text", 300],
  kin_name: ["text", 200],
  kin_relation: ["text", 100],
  kin_phone: ["tel", 40],
  ceiling: ["text", 500],
  ceiling_by: ["text", 200],
  ceiling_on: ["date", 10],
};

const flat = ({ phone, address, next_of_kin: kin, ceiling }) => ({
  phone,
  address,
  kin_name: kin.name,
  kin_relation: kin.relation,
  kin_phone: kin.phone,
  ceiling: ceiling?.text ?? "",
  ceiling_by: ceiling?.by ?? "",
  ceiling_on: ceiling?.on ?? "",
});

function shaped(given, after) {
  const { phone, address, kin_name: name, kin_relation: relation, kin_phone, ceiling: text, ceiling_by: by, ceiling_on: on } = given;
  return { after, phone, address, next_of_kin: { name, relation, phone: kin_phone }, ceiling: text || by || on ? { text, by, on } : null };
}

function Call({ number, who }) {
  if (!number) return null;
  return html`<a class="call" href=${`tel:${number.replace(/[^+\d]/g, "")}`}><span aria-hidden="true">☎</span> ${who} <bdi>${number}</bdi></a>`;
}

/** In a banner: how far treatment is to go, and whom to call. */
export function Reach({ patientId }) {
  return may("names") && html`<${Reached} key=${patientId} patientId=${patientId} />`;
}

function Reached({ patientId }) {
  const [{ body }] = useContacts(patientId);
  if (!body) return null;
  const { phone, next_of_kin: kin, ceiling } = body;
  return html`${ceiling && html`<span class="ceiling">${t("plan.ceiling")}: <b><bdi>${ceiling.text}</bdi></b></span>`}
    <${Call} number=${phone} who=${t("plan.home")} /> <${Call} number=${kin.phone} who=${kin.relation || kin.name || t("plan.kin_name")} />`;
}

/** Under the thumb on a phone: the person's own telephone. */
export function CallHome({ patientId }) {
  return may("names") && html`<${Home} key=${patientId} patientId=${patientId} />`;
}

function Home({ patientId }) {
  const [{ body }] = useContacts(patientId);
  return body && html`<${Call} number=${body.phone} who=${t("plan.home")} />`;
}

function Shown({ fields }) {
  const known = Object.keys(FIELDS).filter((name) => fields[name]);
  if (!known.length) return html`<p class="muted">${t("plan.none")}</p>`;
  return html`<dl>${known.map((name) => html`<div key=${name}><dt>${t(`plan.${name}`)}</dt><dd><bdi>${name === "ceiling_on" ? calendar(fields[name]) : fields[name]}</bdi></dd></div>`)}</dl>`;
}

function Form({ patientId, body, onDone }) {
  const [outcome, run] = useSending();
  const fields = flat(body);
  const submit = async (event) => {
    event.preventDefault();
    const json = shaped(Object.fromEntries(new FormData(event.currentTarget)), body.version);
    if ((await run(() => request("PUT", ofPatient(patientId, "contacts"), { json }), ({ at }) => t("note.stored", { time: clock(at) }))) === undefined) return;
    changes.value += 1;
    onDone();
  };
  return html`<form class="plan-form" onSubmit=${submit}>
    ${Object.entries(FIELDS).map(
      ([name, [type, most]]) => html`<label key=${name}>${t(`plan.${name}`)}<input name=${name} type=${type} maxlength=${most} autocomplete="off" defaultValue=${fields[name]} /></label>`,
    )}
    <${Said} outcome=${outcome} />
    <div class="acts">
      <button type="button" onClick=${onDone}>${t("office.leave")}</button>
      <button class="main" disabled=${outcome.phase === "sending" || !canCommand()}>${t("note.save")}</button>
    </div>
  </form>`;
}

export function Contacts({ patientId }) {
  const [held, again] = useContacts(patientId);
  const [editing, setEditing] = useState(false);
  const { body } = held;
  return html`<section class="plan" aria-labelledby="plan-title">
    <h2 id="plan-title">${t("plan.title")}</h2>
    <${Loaded} held=${held} again=${again}>
      ${editing ? html`<${Form} key=${body.version} patientId=${patientId} body=${body} onDone=${() => setEditing(false)} />` : body && html`<${Shown} fields=${flat(body)} />`}
      ${body?.at && html`<p class="muted">${t("plan.by", { who: personName(body.author), time: when(body.at, now.value) })}</p>`}
      ${mayAct() && !editing && html`<button onClick=${() => setEditing(true)}>${t("plan.edit")}</button>`}
    <//>
  </section>`;
}

const MINUTES = [30, 60, 120, 240, 480, 1440];
const MINUTE = 60_000;

function Plan({ run, path, disabled, again }) {
  const [minutes, setMinutes] = useState(MINUTES[1]);
  const submit = async (event) => {
    event.preventDefault();
    const reason = new FormData(event.currentTarget).get("reason");
    await run(() => post(path, { minutes, reason }), ({ end_at }) => t("coverage.paused_until", { time: when(end_at, now.value) }));
    again();
  };
  return html`<details class="pause-form"><summary>${t("pause.plan")}</summary>
    <form onSubmit=${submit}>
      <label>${t("snooze.how_long")}
        <select value=${minutes} onChange=${(event) => setMinutes(Number(event.target.value))}>
          ${MINUTES.map((each) => html`<option key=${each} value=${each}>${duration(each * MINUTE)}</option>`)}
        </select>
      </label>
      <label>${t("pause.reason")}<input name="reason" required maxlength="500" autocomplete="off" /></label>
      <p>${t("pause.then", { time: when(now.value + minutes * MINUTE, now.value) })}</p>
      <button class="main" disabled=${disabled}>${t("pause.begin")}</button>
    </form>
  </details>`;
}

/** `state`: of the coverage; the pause is read again when it changes. */
export function Pause({ patientId, state }) {
  const path = ofPatient(patientId, "pauses");
  const [{ body }, again] = useRead(`${path}?limit=1`, state);
  const [outcome, run] = useSending();
  const pause = body?.items[0];
  if (!body || (!pause?.running && !mayAct())) return null;
  const disabled = outcome.phase === "sending" || !canCommand();
  const end = async () => {
    await run(() => post(`${path}/${pause.id}/end`), () => t("pause.ended"));
    again();
  };
  return html`<section class="pause" aria-labelledby="pause-title">
    <h2 id="pause-title">${t("pause.title")}</h2>
    ${pause?.running
      ? html`<p><b>${t("coverage.paused_until", { time: when(pause.end_at, now.value) })}</b> <bdi>${pause.reason}</bdi> <bdi class="muted">${personName(pause.by)}</bdi></p>
          ${mayAct() && html`<${Confirm} label=${t("pause.end")} question=${t("pause.end_now")} yes=${t("pause.end")} disabled=${disabled} onYes=${end} />`}`
      : html`<${Plan} run=${run} path=${path} disabled=${disabled} again=${again} />`}
    <${Said} outcome=${outcome} />
  </section>`;
}
