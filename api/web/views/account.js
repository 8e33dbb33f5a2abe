// The person at this screen: who, with which wards; lock, log out, another password.
import { html } from "../page/html.js";
import { changePassword, lock, logOut } from "../page/log_in.js";
import { troubleWords, useSending } from "../page/sending.js";
import { session } from "../page/session.js";
import { t } from "../page/words.js";
import { accountTrouble } from "./log_in.js";
import { Said, wardsText } from "./office.js";

function passwordTrouble(error) {
  if (error.status === 422) return troubleWords(error);
  return accountTrouble(error, "password.wrong");
}

function Password() {
  const [outcome, run] = useSending();
  const submit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const stored = await run(
      () => changePassword(given.get("old"), given.get("new")),
      () => t("password.done"),
      passwordTrouble,
    );
    if (stored !== undefined) form.reset();
  };
  const field = (name, complete, least) =>
    html`<label>${t(`password.${name}`)}<input name=${name} type="password" autocomplete=${complete} required minlength=${least} maxlength="128" /></label>`;
  return html`<details class="add">
    <summary>${t("password.title")}</summary>
    <form onSubmit=${submit}>
      <input class="for-readers" autocomplete="username" value=${session.value.name} readonly tabindex="-1" aria-hidden="true" />
      ${field("old", "current-password", 1)} ${field("new", "new-password", 12)}
      <p class="muted">${t("password.rule")}</p>
      <button class="main" disabled=${outcome.phase === "sending"}>${t("people.save")}</button>
    </form>
    <${Said} outcome=${outcome} />
  </details>`;
}

export function Account() {
  const { name, display, role, wards, token, locked } = session.value;
  const own = !token && !locked; // a session that can be locked, and whose password can be changed
  const [outcome, run] = useSending();
  const act = (what, done) => run(what, () => t(done), (error) => troubleWords(error, "login.no_answer"));
  return html`<section>
    <h2>${t("account.title")}</h2>
    <p><b><bdi>${display}</bdi></b> ${display !== name && html`<bdi class="muted">${name}</bdi> `}· ${t(`role.${role}`)} · <bdi>${wardsText(wards)}</bdi></p>
    <div class="acts">
      ${own && html`<button onClick=${() => act(lock, "lock.title")}>${t("more.lock")}</button>`}
      <button onClick=${() => act(logOut, "lock.out")}>${t("more.log_out")}</button>
    </div>
    ${outcome.phase === "refused" && html`<p class="outcome refused">${outcome.text}</p>`} ${own && html`<${Password} />`}
  </section>`;
}
