// Parts of the pages behind "More": their frame, what became of a command, a second tap before what cannot be undone, wards.
import { html, useEffect, useRef, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { useKeys } from "../page/keyboard.js";
import { go } from "../page/route.js";
import { wardNames } from "../page/ward.js";
import { t } from "../page/words.js";

export function Office({ title, children }) {
  const heading = useRef(null);
  useKeys({ Escape: () => go("more") });
  useEffect(() => heading.current.focus({ preventScroll: true }), []);
  return html`<main id="main" class="office" tabindex="-1">
    <a class="back" href="#/more">${t("patient.back")}</a>
    <h1 tabindex="-1" ref=${heading}>${title}</h1>
    ${children}
  </main>`;
}

/** `held`: of `useRead`; the children only once something was read. */
export function Loaded({ held: { state, body }, again, children }) {
  return html`${state === "failed" && html`<p class="notice">${t("office.failed")} <button onClick=${again}>${t("ack.try_again")}</button></p>`}
  ${state === "loading" && html`<p class="muted" role="status">${t("list.loading")}</p>`} ${body && children}`;
}

export const Said = ({ outcome: { phase, text } }) => phase !== "idle" && html`<p class=${`outcome ${phase}`}>${text}</p>`;

/** `send` gets what was filled in, `done` says what has become of it; `sending`: of `useSending`. */
export function Form({ sending: [outcome, run], send, done, refused, onDone, save = t("people.save"), children }) {
  const submit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    if ((await run(async () => send(given), () => done(given), refused)) !== undefined) onDone();
  };
  return html`<form onSubmit=${submit}>${children} <button class="main" disabled=${outcome.phase === "sending" || !canCommand()}>${save}</button></form>`;
}

/** `question` says what will happen; the safe answer has the focus. */
export function Confirm({ label, question, yes, disabled, onYes }) {
  const [asked, setAsked] = useState(false);
  if (!asked) return html`<button disabled=${disabled} onClick=${() => setAsked(true)}>${label}</button>`;
  const act = () => {
    setAsked(false);
    onYes();
  };
  return html`<div class="confirm" role="group" aria-label=${label}>
    <p>${question}</p>
    <button ref=${(element) => element?.focus()} onClick=${() => setAsked(false)}>${t("office.leave")}</button>
    <button class="main" onClick=${act}>${yes}</button>
  </div>`;
}

export const wardsText = (wards) => (wards ? wards.join(", ") : t("filter.all_wards"));

/** Those that have patients are proposed; others can be typed. */
export function WardsField({ wards = [] }) {
  const [all, setAll] = useState(wards === null);
  return html`<fieldset class="wards">
    <legend>${t("filter.ward")}</legend>
    <label class="choice"><input type="checkbox" name="all_wards" checked=${all} onChange=${(event) => setAll(event.target.checked)} />${t("filter.all_wards")}</label>
    ${!all &&
    html`<label>${t("office.wards")}<input name="wards" required maxlength="500" autocomplete="off" defaultValue=${wards?.join(", ") ?? ""} placeholder=${wardNames().slice(0, 3).join(", ")} /></label>`}
  </fieldset>`;
}

/** What `WardsField` says: null = all. */
export function wardsOf(form) {
  if (form.get("all_wards")) return null;
  return form.get("wards").split(/[,，、]/).map((each) => each.trim()).filter(Boolean);
}

const ROLES = ["nurse", "clinician", "technician", "admin", "auditor", "research"];

export const RoleField = ({ role }) => html`<label>${t("login.role")}
  <select name="role">${ROLES.map((each) => html`<option key=${each} value=${each} selected=${each === role}>${t(`role.${each}`)}</option>`)}</select>
</label>`;
