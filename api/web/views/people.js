// Who may log in: names, roles and wards of people, new passwords, and accounts that are closed for a while.
import { html, useState } from "../page/html.js";
import { post, request } from "../page/http.js";
import { useRead, useSending } from "../page/sending.js";
import { accounts, readMe, session } from "../page/session.js";
import { t } from "../page/words.js";
import { Confirm, Loaded, Office, RoleField, Said, WardsField, wardsOf, wardsText } from "./office.js";

const PATH = "api/v1/users";
const pathOf = (user, what = "") => `${PATH}/${encodeURIComponent(user.user_id)}${what}`;

const NewPassword = () =>
  html`<label>${t("people.password")}<input name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="128" /></label>`;

function Add({ first, onDone }) {
  const [round, setRound] = useState(0); // an empty form for the next one
  const [outcome, run] = useSending();
  const submit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const body = { user_id: given.get("user_id").trim(), display: given.get("display").trim(), password: given.get("password"), role: given.get("role"), wards: wardsOf(given) };
    const made = await run(() => post(PATH, body), () => t("people.added", { who: body.user_id }));
    if (made === undefined) return;
    setRound(round + 1);
    onDone();
  };
  return html`<details class="add" open=${first}>
    <summary>${t("people.add")}</summary>
    <form key=${round} onSubmit=${submit}>
      <label>${t("login.name_account")}<input name="user_id" autocomplete="off" autocapitalize="none" spellcheck=${false} required maxlength="64" /></label>
      <label>${t("people.display")}<input name="display" autocomplete="off" required maxlength="80" /></label>
      <${RoleField} role=${first ? "admin" : "nurse"} />
      <${WardsField} wards=${first ? null : []} />
      <${NewPassword} />
      ${first && html`<p class="notice">${t("people.first")}</p>`}
      <button class="main" disabled=${outcome.phase === "sending"}>${t("people.make")}</button>
    </form>
    <${Said} outcome=${outcome} />
  </details>`;
}

function Change({ user, run, onDone }) {
  const submit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const body = { display: given.get("display").trim(), role: given.get("role"), wards: wardsOf(given) };
    if ((await run(() => request("PUT", pathOf(user), { json: body }), () => t("people.changed"))) !== undefined) onDone();
  };
  return html`<form onSubmit=${submit}>
    <label>${t("people.display")}<input name="display" autocomplete="off" required maxlength="80" defaultValue=${user.display} /></label>
    <${RoleField} role=${user.role} />
    <${WardsField} wards=${user.wards} />
    <p class="muted">${t("people.change_ends")}</p>
    <button class="main">${t("people.save")}</button>
  </form>`;
}

function Password({ user, run, onDone }) {
  const submit = async (event) => {
    event.preventDefault();
    const password = new FormData(event.currentTarget).get("password");
    if ((await run(() => post(pathOf(user, "/password"), { password }), () => t("people.password_set"))) !== undefined) onDone();
  };
  return html`<form onSubmit=${submit}>
    <${NewPassword} />
    <p class="muted">${t("people.password_ends")}</p>
    <button class="main">${t("people.save")}</button>
  </form>`;
}

function Person({ user, onChanged }) {
  const [open, setOpen] = useState("");
  const [outcome, run] = useSending();
  const off = Boolean(user.disabled_at);
  const done = () => {
    setOpen("");
    onChanged();
  };
  const turn = async (what) => {
    if ((await run(() => post(pathOf(user, `/${what}`)), () => t(`people.${what}d`))) !== undefined) onChanged();
  };
  const toggle = (what) => html`<button aria-expanded=${open === what} onClick=${() => setOpen(open === what ? "" : what)}>${t(`people.to_${what}`)}</button>`;
  return html`<li class=${off ? "off" : ""}>
    <p class="who"><b><bdi>${user.display}</bdi></b> <bdi class="muted">${user.user_id}</bdi> ${off && html`<b class="state">${t("people.off")}</b>`}</p>
    <p>${t(`role.${user.role}`)} · <bdi>${wardsText(user.wards)}</bdi></p>
    <div class="acts">
      ${toggle("change")} ${toggle("password")}
      ${off
        ? html`<button onClick=${() => turn("enable")}>${t("people.enable")}</button>`
        : html`<${Confirm} label=${t("people.disable")} question=${t("people.disable_asks", { who: user.display })} yes=${t("people.disable")} onYes=${() => turn("disable")} />`}
    </div>
    ${open === "change" && html`<${Change} user=${user} run=${run} onDone=${done} />`} ${open === "password" && html`<${Password} user=${user} run=${run} onDone=${done} />`}
    <${Said} outcome=${outcome} />
  </li>`;
}

export function People() {
  const [held, again] = useRead(PATH);
  const items = held.body?.items ?? [];
  const changed = () => {
    again();
    accounts.value = true;
    if (session.peek()?.token) readMe().catch(() => {}); // the first account closes the door of the access key
  };
  return html`<${Office} title=${t("people.title")}>
    <${Loaded} held=${held} again=${again}>
      <ul class="things">${items.map((user) => html`<${Person} key=${user.user_id} user=${user} onChanged=${changed} />`)}</ul>
      <${Add} key=${items.length ? "add" : "first"} first=${!items.length} onDone=${changed} />
    <//>
  <//>`;
}
