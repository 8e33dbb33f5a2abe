// What no sensor knows: consciousness and oxygen, entered by the nurse. Shown as stored only when the server says so.
import { html, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { clock } from "../page/format.js";
import { NoAnswer, Refused, post } from "../page/http.js";
import { serverNow } from "../page/server_time.js";
import { announce } from "../page/announce.js";
import { t } from "../page/words.js";
import { mayAct } from "./acknowledge.js";

const LETTERS = ["A", "C", "V", "P", "U"];

function valuesOf(form) {
  const values = [];
  if (form.get("acvpu")) values.push({ vital: "consciousness", value: form.get("acvpu") });
  if (form.get("oxygen") === "air") values.push({ vital: "o2_flow", value: 0 });
  if (form.get("oxygen") === "oxygen") values.push({ vital: "o2_flow", value: Number(form.get("flow")) });
  return values;
}

function problemText(error) {
  if (error instanceof NoAnswer || error.status >= 500) return t("entry.unconfirmed");
  if (!(error instanceof Refused)) throw error;
  if (error.status === 401) return t("entry.session");
  if (error.status === 403) return t("ack.forbidden");
  const reasons = (error.problem.errors ?? []).map((each) => each.message);
  return t("entry.refused", { why: reasons.join("; ") || error.problem.detail || error.message });
}

export function ObservationForm({ patientId }) {
  const [sent, setSent] = useState({ phase: "idle", text: "" });
  const [oxygen, setOxygen] = useState("");
  if (!mayAct()) return null;
  const submit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = valuesOf(new FormData(form));
    if (!values.length) {
      setSent({ phase: "refused", text: t("entry.nothing") });
      return;
    }
    setSent({ phase: "sending", text: t("ack.sending") });
    try {
      const path = `api/v1/patients/${encodeURIComponent(patientId)}/observations`;
      await post(path, { values }, { timeoutMs: 5000 });
      form.reset();
      setOxygen("");
      setSent({ phase: "confirmed", text: t("entry.done", { time: clock(serverNow()) }) });
      announce(t("entry.done", { time: clock(serverNow()) }), "polite");
    } catch (error) {
      const text = problemText(error);
      setSent({ phase: "unconfirmed", text });
      announce(text, "assertive");
    }
  };
  const radio = (name, value, words, onChange) =>
    html`<label class="choice" key=${value}><input type="radio" name=${name} value=${value} onChange=${onChange} />${words}</label>`;
  return html`<form class="entry" id="entry" onSubmit=${submit}>
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
    <button class="main" disabled=${!canCommand() || sent.phase === "sending"}>${sent.phase === "sending" ? t("ack.sending") : t("entry.submit")}</button>
    ${sent.phase !== "sending" && sent.text && html`<p class=${`outcome ${sent.phase}`}>${sent.text}</p>`}
  </form>`;
}
