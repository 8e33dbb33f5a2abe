// Keys for programs: which there are, when each was last used, and new ones, which are shown once.
import { html, useState } from "../page/html.js";
import { calendar, day, when } from "../page/format.js";
import { post } from "../page/http.js";
import { useRead, useSending } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { t } from "../page/words.js";
import { Confirm, Loaded, Office, RoleField, Said, WardsField, wardsOf, wardsText } from "./office.js";

const PATH = "api/v1/tokens";
/** What of its role a program is given. */
const GIVEN = { all: null, read: ["read"], names: ["read", "names"] };

/** Shown once, in a field from which it can be copied where the browser gives no clipboard. */
function Fresh({ made, onClose }) {
  const [copied, setCopied] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.token);
      setCopied(t("tokens.copied"));
    } catch {
      setCopied(t("tokens.not_copied"));
    }
  };
  return html`<section class="fresh-key" aria-label=${t("tokens.fresh", { who: made.name })}>
    <p><b>${t("tokens.fresh", { who: made.name })}</b> ${t("tokens.once")}</p>
    <input class="secret" readonly value=${made.token} aria-label=${t("tokens.secret")} ref=${(element) => element?.focus()} onFocus=${(event) => event.target.select()} />
    <div class="acts"><button class="main" onClick=${copy}>${t("tokens.copy")}</button> <button onClick=${onClose}>${t("tokens.kept")}</button></div>
    <p role="status">${copied}</p>
  </section>`;
}

function Make({ onMade }) {
  const [round, setRound] = useState(0); // an empty form for the next one
  const [outcome, run] = useSending();
  const submit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const body = { name: given.get("name").trim(), role: given.get("role"), rights: GIVEN[given.get("given")], wards: wardsOf(given), days: Number(given.get("days")) };
    const made = await run(() => post(PATH, body), () => t("tokens.made", { who: body.name }));
    if (made === undefined) return;
    setRound(round + 1);
    onMade({ name: body.name, token: made.token });
  };
  return html`<details class="add">
    <summary>${t("tokens.add")}</summary>
    <form key=${round} onSubmit=${submit}>
      <label>${t("tokens.name")}<input name="name" autocomplete="off" required maxlength="64" /></label>
      <${RoleField} role="research" />
      <label>${t("tokens.given")}
        <select name="given">${Object.keys(GIVEN).map((each) => html`<option key=${each} value=${each}>${t(`given.${each}`)}</option>`)}</select>
      </label>
      <${WardsField} />
      <label>${t("tokens.days")}<input name="days" type="number" inputmode="numeric" min="1" max="366" required defaultValue="90" /></label>
      <button class="main" disabled=${outcome.phase === "sending"}>${t("tokens.make")}</button>
    </form>
    <${Said} outcome=${outcome} />
  </details>`;
}

function state(token, at) {
  if (token.revoked_at) return t("tokens.revoked", { time: when(token.revoked_at, at) });
  if (Date.parse(token.expires_at) <= at) return t("tokens.over", { time: when(token.expires_at, at) });
  return "";
}

const rightsText = (rights) => (rights === null ? t("given.all") : t("tokens.only", { what: rights.join(", ") }));

function Token({ token, onChanged }) {
  const [outcome, run] = useSending();
  const over = state(token, now.value);
  const revoke = async () => {
    const path = `${PATH}/${encodeURIComponent(token.token_id)}/revoke`;
    if ((await run(() => post(path), () => t("tokens.revoked_now"))) !== undefined) onChanged();
  };
  return html`<li class=${over ? "off" : ""}>
    <p class="who"><b><bdi>${token.name}</bdi></b> ${over && html`<b class="state">${over}</b>`}</p>
    <p>${t(`role.${token.role}`)} · ${rightsText(token.rights)} · <bdi>${wardsText(token.wards)}</bdi></p>
    <p class="muted">
      ${!over && t("tokens.until", { time: day(token.expires_at) })} ${token.last_used ? t("tokens.used", { time: calendar(token.last_used.slice(0, 10)) }) : t("tokens.unused")}
    </p>
    ${!over &&
    html`<div class="acts"><${Confirm} label=${t("tokens.revoke")} question=${t("tokens.revoke_asks", { who: token.name })} yes=${t("tokens.revoke")} onYes=${revoke} /></div>`}
    <${Said} outcome=${outcome} />
  </li>`;
}

export function Tokens() {
  const [held, again] = useRead(PATH);
  const [fresh, setFresh] = useState(null);
  const items = held.body?.items ?? [];
  const made = (token) => {
    setFresh(token);
    again();
  };
  return html`<${Office} title=${t("tokens.title")}>
    ${fresh && html`<${Fresh} made=${fresh} onClose=${() => setFresh(null)} />`}
    <${Loaded} held=${held} again=${again}>
      <ul class="things">${items.map((token) => html`<${Token} key=${token.token_id} token=${token} onChanged=${again} />`)}</ul>
      ${!items.length && html`<p class="nothing">${t("tokens.none")}</p>`}
      <${Make} onMade=${made} />
    <//>
  <//>`;
}
