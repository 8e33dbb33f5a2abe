// Who may log in: names, roles and wards of people, new passwords, and accounts that are closed for a while.
import { html, useState } from "../page/html.js";
import { post, request } from "../page/http.js";
import { useRead, useSending } from "../page/sending.js";
import { accounts, readMe, session } from "../page/session.js";
import { t } from "../page/words.js";
import { Confirm, Form, Loaded, Office, RoleField, Said, WardsField, wardsOf, wardsText } from "./office.js";

const PATH = "api/v1/users";
const pathOf = (user, what = "") => `${PATH}/${encodeURIComponent(user.user_id)}${what}`;

const NewPassword = () =>
  html`<label>${t("people.password")}<input name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="128" /></label>`;

function Add({ first, onDone }) {
  const [round, setRound] = useState(0); // an empty form for the next one
  const sending = useSending();
  const next = () => {
    setRound(round + 1);
    onDone();
  };
  const send = (given) =>
    post(PATH, { user_id: given.get("user_id").trim(), display: given.get("display").trim(), password: given.get("password"), role: given.get("role"), wards: wardsOf(given) });
  return html`<details class="add" open=${first}>
    <summary>${t("people.add")}</summary>
    <${Form} key=${round} sending=${sending} send=${send} done=${(given) => t("people.added", { who: given.get("user_id").trim() })} onDone=${next} save=${t("people.make")}>
      <label>${t("login.name_account")}<input name="user_id" autocomplete="off" autocapitalize="none" spellcheck=${false} required maxlength="64" /></label>
      <label>${t("people.display")}<input name="display" autocomplete="off" required maxlength="80" /></label>
      <${RoleField} role=${first ? "admin" : "nurse"} />
      <${WardsField} wards=${first ? null : []} />
      <${NewPassword} />
      ${first && html`<p class="notice">${t("people.first")}</p>`}
    <//>
    <${Said} outcome=${sending[0]} />
  </details>`;
}

function Change({ user, ...form }) {
  const send = (given) => request("PUT", pathOf(user), { json: { display: given.get("display").trim(), role: given.get("role"), wards: wardsOf(given) } });
  return html`<${Form} ...${form} send=${send} done=${() => t("people.changed")}>
    <label>${t("people.display")}<input name="display" autocomplete="off" required maxlength="80" defaultValue=${user.display} /></label>
    <${RoleField} role=${user.role} />
    <${WardsField} wards=${user.wards} />
    <p class="muted">${t("people.change_ends")}</p>
  <//>`;
}

const Password = ({ user, ...form }) => html`<${Form} ...${form} send=${(given) => post(pathOf(user, "/password"), { password: given.get("password") })} done=${() => t("people.password_set")}>
  <${NewPassword} />
  <p class="muted">${t("people.password_ends")}</p>
<//>`;

function Person({ user, onChanged }) {
  const [open, setOpen] = useState("");
  const sending = useSending();
  const [outcome, run] = sending;
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
    ${open === "change" && html`<${Change} user=${user} sending=${sending} onDone=${done} />`} ${open === "password" && html`<${Password} user=${user} sending=${sending} onDone=${done} />`}
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
