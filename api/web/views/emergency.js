// Break-glass: a record that is nobody's of these wards is opened in an emergency, with a reason, for a while, and everybody sees it.
import { html, signal, useEffect, useRef, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { clock, duration, when } from "../page/format.js";
import { ofPatient, post } from "../page/http.js";
import { announce } from "../page/announce.js";
import { Name, plainName } from "../page/parts.js";
import { openPatient } from "../page/route.js";
import { troubleWords, useRead, useSending } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { may, session } from "../page/session.js";
import { personName } from "../page/staff.js";
import { cardOf, openedRecords, refreshPatients } from "../page/ward.js";
import { t } from "../page/words.js";
import { Loaded, Office, Said } from "./office.js";

const LEAST = 10; // characters of a reason; the server asks for as many

/** What will happen, said before it does. */
const WILL = ["glass.will_see", "glass.will_told", "glass.will_reviewed", "glass.will_ends"];

/** Id of the patient that the dialog is about, "" = to be typed; null = no dialog. */
const asked = signal(null);

/** Who sees all wards needs none; who may not act has no emergency. */
export const mayBreakGlass = () => Boolean(session.value?.wards) && may("act");

export function GlassButton({ id = "" }) {
  if (!mayBreakGlass()) return null;
  const open = () => {
    asked.value = id;
  };
  return html`<button class="glass" disabled=${!canCommand()} onClick=${open}>${t("glass.button")}</button>`;
}

export function PlainGlass() {
  if (!mayBreakGlass()) return null;
  return html`<section><h2>${t("glass.title")}</h2><p>${t("glass.what")}</p><${GlassButton} /></section>`;
}

function trouble(error) {
  if (error.status === 404) return t("glass.unknown");
  if (error.status === 429) return t("glass.too_many", { time: duration(error.waitS * 1000) });
  return troubleWords(error, "glass.unconfirmed");
}

function Dialog({ id }) {
  const dialog = useRef(null);
  const [outcome, run] = useSending();
  const close = () => {
    asked.value = null;
  };
  useEffect(() => {
    dialog.current.showModal();
    return close; // also when the screen locks, or somebody else logs in
  }, []);
  const submit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const patientId = given.get("patient_id").trim();
    const made = await run(
      () => post(ofPatient(patientId, "break-glass"), { reason: given.get("reason").trim() }),
      ({ expires_at }) => t("glass.opened", { id: patientId, time: clock(expires_at) }),
      trouble,
    );
    if (made === undefined) return;
    close();
    refreshPatients();
    openPatient(patientId);
  };
  return html`<dialog class="glass-dialog" ref=${dialog} onClose=${close} aria-labelledby="glass-title">
    <h2 id="glass-title">${t("glass.title")}</h2>
    <ul class="then">${WILL.map((key) => html`<li key=${key}>${t(key)}</li>`)}</ul>
    <form onSubmit=${submit}>
      <label>${t("glass.id")}<input name="patient_id" required maxlength="64" autocomplete="off" spellcheck=${false} defaultValue=${id} /></label>
      <label>${t("glass.reason")}<textarea name="reason" required minlength=${LEAST} maxlength="500" rows="3"></textarea></label>
      <${Said} outcome=${outcome} />
      <div class="acts">
        <button type="button" autofocus onClick=${() => dialog.current.close()}>${t("glass.leave")}</button>
        <button class="main danger" disabled=${outcome.phase === "sending" || !canCommand()}>${t("glass.open")}</button>
      </div>
    </form>
  </dialog>`;
}

export const GlassDialog = () => asked.value !== null && html`<${Dialog} key=${asked.value} id=${asked.value} />`;

/** Records that somebody has opened: said on every view of the ward they are of, until the time is over. */
export function GlassBars() {
  const seen = openedRecords.value.map((id) => cardOf(id)).filter(Boolean);
  const open = seen.flatMap((card) => (card.break_glass ?? []).map((one) => ({ card, ...one })));
  const running = open.filter((one) => Date.parse(one.until) > now.value);
  const said = running.map(({ card, by }) => t("glass.said", { by: personName(by), who: plainName(card, card.id) })).join(" ");
  useEffect(() => {
    if (said) announce(said, "polite");
  }, [said]);
  if (!running.length) return null;
  return html`<div class="bar glass">${running.map((one) => html`<p key=${`${one.card.id} ${one.by} ${one.until}`}><${GlassWords} opened=${one} /></p>`)}</div>`;
}

function GlassWords({ opened: { card, by, until } }) {
  const name = html`<button class="plain" onClick=${() => openPatient(card.id)}><${Name} card=${card} id=${card.id} /></button>`;
  if (by === session.value.name) return html`${t("glass.yours", { time: clock(until) })} ${name}`;
  return html`<b><bdi>${personName(by)}</bdi></b> ${t("glass.opened_by", { time: clock(until) })} ${name}`;
}

const VERDICTS = ["justified", "not_justified"];

function Review({ grant, onDone }) {
  const [outcome, run] = useSending();
  const [note, setNote] = useState("");
  const give = async (verdict) => {
    const path = `api/v1/break-glass/${encodeURIComponent(grant.id)}/review`;
    if ((await run(() => post(path, { verdict, note }), () => t(`review.${verdict}`))) !== undefined) onDone();
  };
  return html`<div class="review">
    <label>${t("review.note")}<input value=${note} maxlength="500" autocomplete="off" onInput=${(event) => setNote(event.target.value)} /></label>
    <div class="acts">${VERDICTS.map((each) => html`<button key=${each} disabled=${outcome.phase === "sending"} onClick=${() => give(each)}>${t(`review.${each}`)}</button>`)}</div>
    <${Said} outcome=${outcome} />
  </div>`;
}

function Grant({ grant, onDone }) {
  const { by, patient_id: id, at, expires_at, reason, running, review } = grant;
  return html`<li>
    <p class="who"><b><bdi>${personName(by)}</bdi></b> → <b><${Name} card=${cardOf(id)} id=${id} /></b> ${running && html`<b class="state">${t("review.runs", { time: clock(expires_at) })}</b>`}</p>
    <p>${when(at, now.value)} · <bdi>${reason}</bdi></p>
    ${review && html`<p class="muted">${t("review.said", { who: personName(review.by), time: when(review.at, now.value), what: t(`review.${review.verdict}`) })} <bdi>${review.note}</bdi></p>`}
    ${!review && (by === session.value.name ? html`<p class="muted">${t("review.own")}</p>` : html`<${Review} grant=${grant} onDone=${onDone} />`)}
  </li>`;
}

export function Reviews() {
  const [all, setAll] = useState(false);
  const [held, again] = useRead(`api/v1/break-glass${all ? "" : "?open=true"}`);
  const items = held.body?.items ?? [];
  return html`<${Office} title=${t("review.title")}>
    <label class="choice"><input type="checkbox" checked=${all} onChange=${(event) => setAll(event.target.checked)} />${t("review.all")}</label>
    <${Loaded} held=${held} again=${again}>
      <ul class="things">${items.map((grant) => html`<${Grant} key=${grant.id} grant=${grant} onDone=${again} />`)}</ul>
      ${!items.length && html`<p class="nothing">${t("review.none")}</p>`}
    <//>
  <//>`;
}
