// What no sensor knows, and what was measured by hand. Shown as stored only when the server says so.
import { html, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { clock } from "../page/format.js";
import { ofPatient, post } from "../page/http.js";
import { troubleWords, useSending } from "../page/sending.js";
import { serverNow } from "../page/server_time.js";
import { VITALS } from "../page/vitals.js";
import { t } from "../page/words.js";
import { mayAct } from "./acknowledge.js";
import { Said } from "./office.js";

const LETTERS = ["A", "C", "V", "P", "U"];
const MEASURED = ["resp_rate", "spo2", "bp_sys", "bp_dia", "heart_rate", "body_temp"];

function valuesOf(form) {
  const values = [];
  if (form.get("acvpu")) values.push({ vital: "consciousness", value: form.get("acvpu") });
  if (form.get("oxygen") === "air") values.push({ vital: "o2_flow", value: 0 });
  if (form.get("oxygen") === "oxygen") values.push({ vital: "o2_flow", value: Number(form.get("flow")) });
  for (const vital of MEASURED) if (form.get(vital)) values.push({ vital, value: Number(form.get(vital)) });
  return values;
}

/** Nothing was filled in: said without asking the server. */
class Nothing extends Error {}

const words = (error) => (error instanceof Nothing ? t("entry.nothing") : troubleWords(error));

function Measured({ vital }) {
  const { unit, digits, bounds } = VITALS[vital];
  return html`<label>${t(`vital.${vital}`)}
    <span><input name=${vital} type="number" inputmode="decimal" min="0" max=${bounds[1]} step=${10 ** -digits} autocomplete="off" /> ${unit}</span>
  </label>`;
}

export function ObservationForm({ patientId }) {
  const [outcome, run] = useSending();
  const [oxygen, setOxygen] = useState("");
  if (!mayAct()) return null;
  const submit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = valuesOf(new FormData(form));
    const send = () => {
      if (!values.length) throw new Nothing();
      return post(ofPatient(patientId, "observations"), { values }, { timeoutMs: 5000 });
    };
    if ((await run(async () => send(), () => t("entry.done", { time: clock(serverNow()) }), words)) === undefined) return;
    form.reset();
    setOxygen("");
  };
  const radio = (name, value, words, onChange) =>
    html`<label class="choice" key=${value}><input type="radio" name=${name} value=${value} onChange=${onChange} />${words}</label>`;
  return html`<form class="entry" onSubmit=${submit}>
    <h3>${t("entry.title")}</h3>
    <fieldset>
      <legend>${t("vital.consciousness")}</legend>
      ${LETTERS.map((letter) => radio("acvpu", letter, t(`acvpu.${letter}`)))}
    </fieldset>
    <fieldset>
      <legend>${t("vital.oxygen")}</legend>
      ${radio("oxygen", "air", t("entry.air"), () => setOxygen("air"))} ${radio("oxygen", "oxygen", t("entry.oxygen"), () => setOxygen("oxygen"))}
      ${oxygen === "oxygen" &&
      html`<label class="flow">${t("entry.flow")}<input name="flow" type="number" inputmode="decimal" min="0.1" max="80" step="0.1" required /> L/min</label>`}
    </fieldset>
    <fieldset class="measured">
      <legend>${t("entry.measured")}</legend>
      ${MEASURED.map((vital) => html`<${Measured} key=${vital} vital=${vital} />`)}
    </fieldset>
    <button class="main" disabled=${!canCommand() || outcome.phase === "sending"}>${t("entry.submit")}</button>
    <${Said} outcome=${outcome} />
  </form>`;
}
