// Log-in with name and access key: as the first page, or over the page when the server ended a session.
import { html, useEffect, useRef, useState } from "../page/html.js";
import { logIn, logOut, nameToUse, session } from "../page/session.js";
import { preferences } from "../page/preferences.js";
import { t } from "../page/words.js";

const ROLES = ["nurse", "clinician", "technician", "admin", "auditor", "research"];

function reason(error) {
  if (error.status === 401) return t("login.wrong");
  if (error.status === 429) return t("login.too_many");
  if (error.status === 422) return t("login.invalid");
  return error.status ? t("login.refused", { n: error.status }) : t("login.no_answer");
}

function Form({ secret = "", trouble = "" }) {
  const [message, setMessage] = useState(trouble);
  const [sending, setSending] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setSending(true);
    setMessage("");
    try {
      await logIn(form.get("name").trim(), form.get("secret").trim(), form.get("role"));
    } catch (error) {
      setMessage(reason(error));
      setSending(false);
    }
  };
  return html`<form class="log-in-form" onSubmit=${submit}>
    <label>${t("login.name")}<input name="name" autocomplete="username" required maxlength="80" defaultValue=${preferences.value.name} /></label>
    <label>${t("login.key")}<input name="secret" type="password" autocomplete="current-password" required defaultValue=${secret} /></label>
    <label>${t("login.role")}
      <select name="role" defaultValue=${session.peek()?.role ?? "nurse"}>
        ${ROLES.map((role) => html`<option key=${role} value=${role}>${t(`role.${role}`)}</option>`)}
      </select>
    </label>
    <p class="trouble" role="alert">${message}</p>
    <button class="main" type="submit" disabled=${sending}>${sending ? t("login.sending") : t("login.submit")}</button>
  </form>`;
}

/** `address`: the access key that came with the address, tried at once. */
export function LogInPage({ address }) {
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(Boolean(address));
  useEffect(() => {
    if (!address) return;
    logIn(nameToUse(), address, "nurse").catch((error) => {
      setTrouble(reason(error));
      setBusy(false);
    });
  }, []);
  return html`<main class="log-in" id="main">
    <h1>Vigil</h1>
    <p class="muted">${t("login.lead")}</p>
    ${busy ? html`<p>${t("login.sending")}</p>` : html`<${Form} secret=${trouble ? address : ""} trouble=${trouble} />`}
  </main>`;
}

export function LogInAgain() {
  const dialog = useRef(null);
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  return html`<dialog class="again" ref=${dialog} aria-labelledby="again-title" onCancel=${(event) => event.preventDefault()}>
    <h2 id="again-title">${t("login.ended")}</h2>
    <p>${t("login.ended_why")}</p>
    <${Form} />
    <button class="plain" onClick=${logOut}>${t("login.leave")}</button>
  </dialog>`;
}
