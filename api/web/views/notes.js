// What people write about a person or an alert: newest first, never deleted. What was done is one tap.
import { html, signal, useEffect, useRef, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { clock, when } from "../page/format.js";
import { ofPatient, post } from "../page/http.js";
import { useKeys } from "../page/keyboard.js";
import { troubleWords, useRead, useSending } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { session } from "../page/session.js";
import { personName } from "../page/staff.js";
import { t } from "../page/words.js";
import { mayAct } from "./acknowledge.js";
import { Loaded, Said } from "./office.js";

const DONE = ["called", "no_answer", "sent_help"];
const LONGEST = 2000; // characters; the server's bound

/** Counts what was written on this screen, so that each place reads it again. */
export const written = signal(0);

/** [outcome, send]: `send(note)` resolves to whether it was stored. What was typed stays in its field until it was. */
function useNote(patientId) {
  const [outcome, run] = useSending();
  const send = async (note) => {
    const words = (error) => troubleWords(error, "note.unconfirmed");
    const stored = await run(() => post(ofPatient(patientId, "notes"), note), ({ at }) => t("note.stored", { time: clock(at) }), words);
    if (stored !== undefined) written.value += 1;
    return stored !== undefined;
  };
  return [outcome, send];
}

function Words({ field, disabled, onSend }) {
  const submit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (await onSend(new FormData(form).get("text"))) form.reset();
  };
  return html`<form class="note-form" onSubmit=${submit}>
    <label>${t("note.words")}<textarea name="text" required maxlength=${LONGEST} rows="2" ref=${field}></textarea></label>
    <button class="main" disabled=${disabled}>${t("note.save")}</button>
  </form>`;
}

/** On the card of an alert: what was done about it, and words that need no more than that. */
export function Done({ alert }) {
  const [outcome, send] = useNote(alert.patient_id);
  const [writing, setWriting] = useState(false);
  const field = useRef(null);
  const about = (note) => send({ ...note, alert_id: alert.id });
  useKeys({ m: () => mayAct() && setWriting(true) });
  useEffect(() => {
    if (writing) field.current?.focus();
  }, [writing]);
  if (!mayAct() || !alert.patient_id) return null;
  const disabled = outcome.phase === "sending" || !canCommand();
  const write = async (text) => {
    const stored = await about({ kind: "note", text });
    setWriting(!stored);
    return stored;
  };
  return html`<section class="done">
    <h3>${t("done.title")}</h3>
    <div class="deeds" role="group" aria-label=${t("done.title")}>
      ${DONE.map((kind) => html`<button key=${kind} disabled=${disabled} onClick=${() => about({ kind })}>${t(`done.${kind}`)}</button>`)}
      <button aria-expanded=${writing} onClick=${() => setWriting(!writing)}>${t("done.note")}</button>
    </div>
    ${writing && html`<${Words} field=${field} disabled=${disabled} onSend=${write} />`}
    <${Said} outcome=${outcome} />
  </section>`;
}

/** One note in words: what, who, and whether it still stands. */
export function NoteWords({ note: { kind, author, text, struck_at, struck_by } }) {
  const words = html`<b>${t(`done.${kind}`)}</b> <bdi class="muted">${personName(author)}</bdi> <span class="words">${text}</span>`;
  if (!struck_at) return words;
  return html`<s>${words}</s> <span class="muted">${t("note.struck", { who: personName(struck_by), time: when(struck_at, now.value) })}</span>`;
}

function Line({ note, patientId }) {
  const [outcome, run] = useSending();
  const own = mayAct() && !note.struck_at && note.author === session.value.name;
  const strike = async () => {
    await run(() => post(ofPatient(patientId, `notes/${note.id}/strike`)), () => t("note.strike"));
    written.value += 1;
  };
  return html`<li>
    <time>${when(note.at, now.value)}</time> <${NoteWords} note=${note} />
    ${own && html` <button class="plain small" disabled=${outcome.phase === "sending" || !canCommand()} onClick=${strike}>${t("note.strike")}</button>`}
    ${outcome.phase === "refused" && html`<${Said} outcome=${outcome} />`}
  </li>`;
}

/** All notes on a person, those about alerts too. `version`: read again when it changes. */
export function Notes({ patientId, version }) {
  const [held, again] = useRead(ofPatient(patientId, "notes"), `${version} ${written.value}`);
  const [outcome, send] = useNote(patientId);
  const field = useRef(null);
  useKeys({ m: () => field.current?.focus() ?? Boolean(field.current) });
  const items = held.body?.items ?? [];
  return html`<section class="notes" aria-labelledby="notes-title">
    <h2 id="notes-title">${t("note.title")}</h2>
    ${mayAct() && html`<${Words} field=${field} disabled=${outcome.phase === "sending" || !canCommand()} onSend=${(text) => send({ text })} />`}
    <${Said} outcome=${outcome} />
    <${Loaded} held=${held} again=${again}>
      <ol>${items.map((note) => html`<${Line} key=${note.id} note=${note} patientId=${patientId} />`)}</ol>
      ${!items.length && html`<p class="muted">${t("note.none")}</p>`}
    <//>
  </section>`;
}
