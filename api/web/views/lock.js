// Nobody has touched this session for a while: names are hidden, alerts go on, and the password opens it again.
import { html, useEffect, useRef } from "../page/html.js";
import { announce } from "../page/announce.js";
import { logOut, unlock } from "../page/log_in.js";
import { troubleWords, useSending } from "../page/sending.js";
import { session } from "../page/session.js";
import { t } from "../page/words.js";
import { accountTrouble } from "./log_in.js";

export function LockBar() {
  const field = useRef(null);
  const [outcome, run] = useSending();
  const { name, display } = session.value;
  useEffect(() => {
    field.current.focus();
    announce(`${t("lock.title")}. ${t("lock.why", { who: display })}`, "polite");
  }, []);
  const submit = (event) => {
    event.preventDefault();
    const password = field.current.value;
    run(() => unlock(password), () => t("lock.open"), (error) => accountTrouble(error, "lock.wrong"));
    field.current.value = "";
  };
  const leave = () => run(logOut, () => t("lock.out"), (error) => troubleWords(error, "login.no_answer"));
  return html`<form class="bar locked" onSubmit=${submit} aria-label=${t("lock.title")}>
    <p><strong>${t("lock.title")}</strong> ${t("lock.why", { who: display })}</p>
    <input class="for-readers" name="name" autocomplete="username" value=${name} readonly tabindex="-1" aria-hidden="true" />
    <label>${t("login.password")}<input type="password" ref=${field} autocomplete="current-password" required maxlength="200" /></label>
    <button class="main" disabled=${outcome.phase === "sending"}>${outcome.phase === "sending" ? t("ack.sending") : t("lock.submit")}</button>
    <button type="button" onClick=${leave}>${t("more.log_out")}</button>
    ${outcome.phase === "refused" && html`<p class="trouble" role="alert">${outcome.text}</p>`}
  </form>`;
}
