// Whose value is this? A weight that the wearer can hardly have waits until somebody says whose it is: one tap for each answer.
import { html, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { age, clock, number, when } from "../page/format.js";
import { post } from "../page/http.js";
import { troubleWords, useRead, useSending } from "../page/sending.js";
import { now, serverNow } from "../page/server_time.js";
import { Name, plainName } from "../page/parts.js";
import { cardOf, cards } from "../page/ward.js";
import { t } from "../page/words.js";
import { mayAct } from "./acknowledge.js";

const RULE = /^whose\.(?!device$)/; // whose device it is: devices.js
const HOW = ["phone", "weighed", "visit"];
const ANSWER_MS = 12_000; // the server lets one answer wait up to 10 s for another

export const asksWhose = (alert) => RULE.test(alert.rule);

/** Who else is watched on the wearer's ward, by name: nobody knows here who lives with whom. */
function othersOf(patientId) {
  const ward = cardOf(patientId)?.ward;
  const there = [...cards.values()].map((held) => held.peek()).filter((card) => card.ward === ward && card.id !== patientId);
  return there.sort((a, b) => plainName(a, a.id).localeCompare(plainName(b, b.id)));
}

function words(error) {
  if (error.status === 409) return t("whose.answered_before");
  return troubleWords(error, "whose.unconfirmed");
}

/** The value, and what it does not go together with. */
function Facts({ question }) {
  const { value, last_value: last, measured_at, last_measured_at, unit, device_id, patient_id } = question;
  const change = value - last;
  return html`<ul class="decided">
      <li><b>${number(value, 1)} ${unit}</b> ${t("whose.measured", { time: when(measured_at, now.value), age: age(now.value - Date.parse(measured_at)), device: device_id })}</li>
      <li>
        ${t("whose.before", { value: `${number(last, 1)} ${unit}`, time: when(last_measured_at, now.value) })}
        ${" "}<b>${change > 0 ? "+" : "−"}${number(Math.abs(change), 1)} ${unit}</b>
      </li>
      <li>${t("whose.wearer")} <${Name} card=${cardOf(patient_id)} id=${patient_id} /></li>
    </ul>`;
}

function How({ name, how, onHow }) {
  return html`<fieldset class="how">
    <legend>${t("whose.how")}</legend>
    ${HOW.map(
      (each) => html`<label class="choice" key=${each}>
        <input type="radio" name=${name} checked=${how === each} onChange=${() => onHow(each)} />${t(`how.known_${each}`)}
      </label>`,
    )}
  </fieldset>`;
}

/** Somebody else of the ward: the name first, then the tap, so that no slip of the finger gives a weight to a stranger. */
function Another({ question, disabled, onAnswer }) {
  const [chosen, setChosen] = useState("");
  const others = othersOf(question.patient_id);
  if (!others.length) return null;
  return html`<div class="another">
    <label>${t("whose.other")}
      <select value=${chosen} onChange=${(event) => setChosen(event.target.value)}>
        <option value="">${t("whose.choose")}</option>
        ${others.map((card) => html`<option key=${card.id} value=${card.id}>${plainName(card, card.id)} · ${card.id}</option>`)}
      </select>
    </label>
    ${chosen && html`<button disabled=${disabled} onClick=${() => onAnswer(chosen)}>${t("whose.is", { who: plainName(cardOf(chosen), chosen) })}</button>`}
  </div>`;
}

function Question({ question, onDone }) {
  const [how, setHow] = useState("");
  const [outcome, run] = useSending();
  const { question_id: id, patient_id: wearer } = question;
  const answer = async (patientId) => {
    const body = { patient_id: patientId, reason: t(how ? `how.known_${how}` : "whose.unsaid") };
    const who = patientId === null ? "" : plainName(cardOf(patientId), patientId);
    const said = (key) => t(key, { who, time: clock(serverNow()), value: number(question.value, 1) });
    const stored = await run(
      () => post(`api/v1/questions/${id}/answer`, body, { timeoutMs: ANSWER_MS }),
      () => said(patientId === null ? "whose.of_nobody" : "whose.entered"),
      words,
    );
    onDone(stored === undefined ? "" : said(patientId === null ? "whose.of_nobody" : "whose.entered"));
  };
  const disabled = outcome.phase === "sending" || !canCommand();
  return html`<div class="question">
    <${Facts} question=${question} />
    ${mayAct() &&
    html`<${How} name=${`how-${id}`} how=${how} onHow=${setHow} />
      <div class="answers" role="group" aria-label=${t("whose.title")}>
        <button disabled=${disabled} onClick=${() => answer(wearer)}>${t("whose.is", { who: plainName(cardOf(wearer), wearer) })}</button>
        <button disabled=${disabled} onClick=${() => answer(null)}>${t("whose.nobody")}</button>
      </div>
      <${Another} question=${question} disabled=${disabled} onAnswer=${answer} />
      <p class="muted">${t("whose.then")}</p>`}
    ${(outcome.phase === "sending" || outcome.phase === "refused") && html`<p class=${`outcome ${outcome.phase}`}>${outcome.text}</p>`}
  </div>`;
}

/** All open questions about the wearer: the alert goes on until the last one is answered. */
export function Whose({ alert }) {
  const [{ state, body }, again] = useRead("api/v1/questions", alert.version);
  const [done, setDone] = useState([]);
  const open = (body?.items ?? []).filter((one) => one.patient_id === alert.patient_id);
  const finish = (sentence) => {
    if (sentence) setDone((before) => [...before, sentence]);
    again();
  };
  return html`<section class="whose">
    <h3>${t("whose.title")}</h3>
    ${state === "failed" && html`<p class="outcome refused">${t("whose.failed")} <button class="small" onClick=${again}>${t("ack.try_again")}</button></p>`}
    ${state === "loading" && html`<p class="muted">${t("list.loading")}</p>`}
    ${open.map((question) => html`<${Question} key=${question.question_id} question=${question} onDone=${finish} />`)}
    ${done.map((sentence) => html`<p class="outcome confirmed" key=${sentence}>${sentence}</p>`)}
    ${state === "ready" && !open.length && !done.length && html`<p class="muted">${t("whose.none")}</p>`}
  </section>`;
}
