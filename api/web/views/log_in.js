// Log-in with name and password, or with the access key while there are no accounts: as the first page, or over the page when the
// server ended a session.
import { html, useEffect, useRef, useState } from "../page/html.js";
import { duration } from "../page/format.js";
import { NoAnswer, Refused } from "../page/http.js";
import { askDoor, logIn, opened, silent } from "../page/log_in.js";
import { accounts, drop, nameToUse, session } from "../page/session.js";
import { preferences } from "../page/preferences.js";
import { t } from "../page/words.js";
import { RoleField } from "./office.js";

/** Why a password or a key was not taken; `wrong` is the sentence for a wrong one. */
export function accountTrouble(error, wrong) {
  if (error instanceof NoAnswer) return t("login.no_answer");
  if (!(error instanceof Refused)) throw error;
  if (error.status === 401) return t(wrong);
  if (error.status === 429) return t("login.too_many", { time: duration((error.waitS || 60) * 1000) });
  if (error.status === 422) return t("login.invalid");
  return t("login.refused", { n: error.status });
}

const BY_ACCOUNT = { name: "login.name_account", secret: "login.password", wrong: "login.wrong_account" };
const BY_KEY = { name: "login.name_key", secret: "login.key", wrong: "login.wrong_key" };

function Form({ secret = "", trouble = "" }) {
  const by = accounts.value ? BY_ACCOUNT : BY_KEY;
  const [message, setMessage] = useState(trouble);
  const [sending, setSending] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const given = form.get("secret");
    setSending(true);
    setMessage("");
    try {
      await logIn(form.get("name").trim(), by === BY_KEY ? given.trim() : given, form.get("role"));
    } catch (error) {
      setMessage(accountTrouble(error, by.wrong));
      setSending(false);
      if (error.status === 401) askDoor(); // accounts may have been made meanwhile: then the form is another one
    }
  };
  return html`<form class="log-in-form" onSubmit=${submit}>
    <label>${t(by.name)}<input name="name" autocomplete="username" autocapitalize="none" spellcheck=${false} required maxlength="80" defaultValue=${preferences.value.name} /></label>
    <label>${t(by.secret)}<input name="secret" type="password" autocomplete="current-password" required maxlength="200" defaultValue=${secret} /></label>
    ${by === BY_KEY && html`<${RoleField} role=${session.peek()?.role ?? "nurse"} />`}
    <p class="trouble" role="alert">${message}</p>
    <button class="main" type="submit" disabled=${sending}>${sending ? t("login.sending") : t("login.submit")}</button>
  </form>`;
}

/** `address`: the access key that came with the address, tried at once where there are no accounts. */
export function LogInPage({ address }) {
  const [trouble, setTrouble] = useState("");
  const [tried, setTried] = useState(false);
  const ready = opened.value;
  useEffect(() => {
    if (!address || !ready || tried) return;
    if (accounts.peek()) {
      setTrouble(t("login.key_closed"));
      setTried(true);
      return;
    }
    logIn(nameToUse(), address, "nurse").catch((error) => {
      setTrouble(accountTrouble(error, "login.wrong_key"));
      setTried(true);
    });
  }, [ready]);
  const form = ready && (!address || tried);
  return html`<main class="log-in" id="main">
    <h1>Vigil</h1>
    <p class="muted">${t("login.lead")}</p>
    ${form ? html`<${Form} secret=${accounts.value ? "" : address ?? ""} trouble=${trouble} />` : html`<p role="status">${t(silent.value ? "login.no_answer" : "login.sending")}</p>`}
  </main>`;
}

/** What was not sent stays kept for the person who gave it; a server without an answer leaves the form as it was. */
export function LogInAgain() {
  const dialog = useRef(null);
  const [known, setKnown] = useState(accounts.peek() !== null);
  useEffect(() => {
    dialog.current.showModal();
    askDoor().then(() => setKnown(true));
  }, []);
  return html`<dialog class="again" ref=${dialog} aria-labelledby="again-title" onCancel=${(event) => event.preventDefault()}>
    <h2 id="again-title">${t("login.ended")}</h2>
    <p>${t("login.ended_why")}</p>
    ${known && html`<${Form} />`}
    <button class="plain" onClick=${drop}>${t("login.leave")}</button>
  </dialog>`;
}
