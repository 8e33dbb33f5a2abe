// The audit log: who did what, and who looked at whose record; newest first.
import { html, useState } from "../page/html.js";
import { clock, day } from "../page/format.js";
import { get } from "../page/http.js";
import { troubleWords, useRead, useSending } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { t } from "../page/words.js";
import { Loaded, Office } from "./office.js";

const PATH = "api/v1/audit";
const PAGE = 50;
const FIELDS = ["person", "patient", "route"];

/** The search as the server takes it. Times are typed by the clock of this screen. */
function queryOf(form) {
  const query = new URLSearchParams({ limit: PAGE });
  for (const name of FIELDS) if (form.get(name).trim()) query.set(name, form.get(name).trim());
  for (const name of ["since", "until"]) if (form.get(name)) query.set(name, new Date(form.get(name)).toISOString());
  if (form.get("lists") && query.has("patient")) query.set("lists", "true");
  return query.toString();
}

function Search({ onSearch }) {
  const submit = (event) => {
    event.preventDefault();
    onSearch(queryOf(new FormData(event.currentTarget)));
  };
  const time = (name) => html`<label>${t(`audit.${name}`)}<input name=${name} type="datetime-local" /></label>`;
  return html`<form class="search" role="search" onSubmit=${submit}>
    ${FIELDS.map((name) => html`<label key=${name}>${t(`audit.${name}`)}<input name=${name} autocomplete="off" spellcheck=${false} maxlength="200" /></label>`)}
    ${time("since")} ${time("until")}
    <label class="choice"><input type="checkbox" name="lists" />${t("audit.lists")}</label>
    <button class="main">${t("audit.search")}</button>
  </form>`;
}

/** With the day in front when it is not today's. */
const time = (at) => `${day(at) === day(now.value) ? "" : `${day(at)} `}${clock(at, true)}`;

function whom(entry) {
  if (entry.patient_id === "*") return t("audit.everybody");
  return entry.patient_id ?? "";
}

function answer({ step, status }) {
  if (step === "answered" || step === "ended") return status === null ? t(`audit.${step}`) : t("audit.status", { n: status });
  return t(`audit.${step}`);
}

function Entry({ entry }) {
  const refused = entry.status >= 400;
  return html`<tr class=${refused ? "refused" : ""}>
    <td class="figure">${entry.number}</td>
    <td>${time(entry.at)}</td>
    <td><bdi>${entry.who || t("audit.stranger")}</bdi> <span class="muted">${entry.role && t(`role.${entry.role}`)}</span></td>
    <td><bdi class="route">${entry.method} ${entry.route || "?"}</bdi>${entry.reason && html`<br /><bdi class="reason">${entry.reason}</bdi>`}</td>
    <td><bdi>${whom(entry)}</bdi></td>
    <td>${answer(entry)}${entry.times > 1 && html` <span class="muted">×${entry.times}</span>`}</td>
  </tr>`;
}

const COLUMNS = ["number", "time", "who", "what", "whom", "answer"];

function Table({ items }) {
  if (!items.length) return html`<p class="nothing">${t("audit.none")}</p>`;
  return html`<div class="table-scroll" role="region" tabindex="0" aria-label=${t("audit.title")}>
    <table class="audit-table">
      <thead><tr>${COLUMNS.map((name) => html`<th scope="col" key=${name}>${t(`audit.col_${name}`)}</th>`)}</tr></thead>
      <tbody>${items.map((entry) => html`<${Entry} key=${entry.number} entry=${entry} />`)}</tbody>
    </table>
  </div>`;
}

/** One search: its newest page, and older ones on request. */
function Found({ query }) {
  const [held, again] = useRead(`${PATH}?${query}`);
  const [older, setOlder] = useState([]);
  const [outcome, run] = useSending();
  const pages = [held.body, ...older].filter(Boolean);
  const next = pages[pages.length - 1]?.next;
  const more = async () => {
    const page = await run(() => get(`${PATH}?${query}&before=${next}`), () => t("audit.read"), troubleWords);
    if (page !== undefined) setOlder([...older, page]);
  };
  return html`<${Loaded} held=${held} again=${again}>
    <${Table} items=${pages.flatMap((page) => page.items)} />
    ${next && html`<button class="older" disabled=${outcome.phase === "sending"} onClick=${more}>${t("audit.older")}</button>`}
    ${outcome.phase === "refused" && html`<p class="outcome refused">${outcome.text}</p>`}
    ${held.body && html`<p class="muted">${t("audit.head", { n: held.body.head.number })} <bdi class="hash">${held.body.head.hash}</bdi></p>`}
  <//>`;
}

export function Audit() {
  const [search, setSearch] = useState({ query: `limit=${PAGE}`, round: 0 });
  return html`<${Office} title=${t("audit.title")}>
    <${Search} onSearch=${(query) => setSearch({ query, round: search.round + 1 })} />
    <${Found} key=${`${search.round}${search.query}`} query=${search.query} />
  <//>`;
}
