// Who is on call for a ward and who comes next, this week, and in which order people are called. Who may, changes it.
import { html, useEffect, useRef } from "../page/html.js";
import { duration } from "../page/format.js";
import { post, request } from "../page/http.js";
import { go, route } from "../page/route.js";
import { troubleWords, useRead, useSending } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { may } from "../page/session.js";
import { personName } from "../page/staff.js";
import { wardNames } from "../page/ward.js";
import { wardDay, wardTime } from "../page/ward_time.js";
import { lang, t } from "../page/words.js";
import { People } from "./handover.js";
import { Form, Loaded, Office, Said } from "./office.js";

const AGAIN_MS = 30_000;
const PATH = "api/v1/teams";

/** A narrow column breaks it before the day of the week, not inside. */
const dayWords = (date) => new Intl.DateTimeFormat(lang.value === "zh" ? "zh" : "en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" }).format(Date.parse(date)).replace("周", " 周");
const WHOLE_DAY = "00:00–00:00";

/** People by days; what no shift fills is the last line. Where not all days have room, today is in sight. */
function Week({ days, today, week }) {
  const room = useRef(null);
  useEffect(() => {
    const [first, day] = room.current.querySelectorAll("thead td, [aria-current]");
    room.current.scrollLeft = day ? day.offsetLeft - first.offsetWidth : 0;
  }, [days.join(), today]);
  return html`<div class="table-scroll" role="region" tabindex="0" aria-label=${t("rota.week")} ref=${room}>
    <table class="rota">
      <thead><tr><td></td>${days.map((date) => html`<th scope="col" aria-current=${date === today ? "date" : null}>${dayWords(date)}</th>`)}</tr></thead>
      <tbody>${week.map(({ name, filled, hours }) => html`<tr class=${filled && "hole"}><th scope="row">${filled ? t("rota.nobody", { who: name }) : name}</th>${hours.map((each) => html`<td>${each.map((span) => html`<time>${span === WHOLE_DAY ? t("rota.whole_day") : span}</time>`)}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;
}

function Chain({ levels, on_call }) {
  const words = { on_call: t("rota.on_call", { who: on_call.map((one) => one.name).join(t("list.comma")) }), everyone: t("rota.everybody") };
  const whom = ({ who: called, channels }) => {
    const who = called.map((one) => words[one] ?? one).join(t("list.comma"));
    return channels.length ? t("rota.by", { who, ways: channels.join(t("list.comma")) }) : who;
  };
  const after = ({ after_s }, what) => t("rota.after", { times: Object.entries(after_s).map(([priority, s]) => `${t(`badge.${priority}`)} ${duration(s * 1000)}`).join(t("list.comma")), what });
  return html`<ol class="chain">${levels.map((level, i) => html`<li>${i ? after(level, whom(level)) : t("rota.first", { what: whom(level) })}</li>`)}<li>${after(levels[0], t("rota.anew"))}</li></ol>`;
}

/** A form behind its name, with a reason. Every fault that the server finds is said, each on a line. */
function Change({ words, children, ...form }) {
  const sending = useSending();
  const refused = (error) => error.problem?.errors?.map((each) => each.message).join("\n") ?? troubleWords(error);
  return html`<details class="add">
    <summary>${words}</summary>
    <${Form} ...${form} sending=${sending} done=${() => t("lab.saved")} refused=${refused}>
      ${children}
      <label>${t("lab.reason")}<input name="reason" required minlength="3" maxlength="500" autocomplete="off" /></label>
    <//>
    <${Said} outcome=${sending[0]} />
  </details>`;
}

/** `from`: the time by the ward's clock now. */
function StandIn({ team, from, onDone }) {
  const people = team.member.map(({ id, name }) => html`<option value=${id}>${name}</option>`);
  const nobody = (words) => html`<option value="">${words}</option>`;
  const moment = (name, words, begin) => html`<label>${words}<input name=${name} type="datetime-local" required defaultValue=${begin} /></label>`;
  return html`<${Change} words=${t("rota.stand_in")} send=${(given) => post(`${PATH}/${team.id}/stand-in`, Object.fromEntries(given))} onDone=${onDone}>
    <label>${t("rota.person")}<select name="person">${people}${nobody(t("rota.planned"))}</select></label>
    <label>${t("rota.replaces")}<select name="replaces">${nobody(t("rota.whoever"))}${people}</select></label>
    ${moment("start", t("audit.since"), from)} ${moment("end", t("audit.until"))}
    <p class="muted">${t("rota.begins")}</p>
  <//>`;
}

/** What somebody else has stored since is not written over. */
const Edit = ({ toml, version, onDone }) => html`<${Change} words=${t("rota.edit")} send=${(given) => request("PUT", `${PATH}?after=${version}`, { json: Object.fromEntries(given) })} onDone=${onDone}>
  <textarea key=${version} name="toml" rows="16" aria-label=${t("rota.edit")} spellcheck=${false} defaultValue=${toml}></textarea>
<//>`;

function Team({ item: { team, version }, onDone }) {
  const [held, again] = useRead(`${PATH}/${team.id}/rota`, version + Math.floor(now.value / AGAIN_MS));
  const rota = held.body;
  const time = (at) => wardTime(team.timezone, at, now.value);
  return html`<${Loaded} held=${held} again=${again}>${rota &&
    html`<p class="muted">${t("handover.made", { day: wardDay(team.timezone, now.value), time: time(now.value), zone: team.timezone })}</p>
      <${People} facts=${rota} time=${time} />
      <${Week} ...${rota} />
      <h2>${t("rota.chain")}</h2>
      <${Chain} ...${rota} />
      ${may("policies") && html`<${StandIn} team=${team} from=${`${rota.today}T${time(now.value)}`} onDone=${onDone} />`}
      <details class="add"><summary>${t("rota.changes")}</summary><ul>${rota.changes.map((one) => html`<li>${time(one.set_at)} <b><bdi>${personName(one.set_by)}</bdi></b>: <bdi>${one.reason}</bdi></li>`)}</ul></details>`}<//>`;
}

export function Rota() {
  const [held, again] = useRead(PATH);
  const items = held.body?.items ?? [];
  const wards = [...new Set([...items.map(({ team }) => team.ward), ...wardNames()])].sort();
  const ward = route.value.id || (items.find((one) => one.member)?.team.ward ?? wards[0]);
  const item = items.find(({ team }) => team.ward === ward);
  return html`<${Office} title=${t("page.rota")}>
    <label>${t("filter.ward")}<select onChange=${(event) => go("rota", event.target.value)}>${wards.map((each) => html`<option key=${each} selected=${each === ward}>${each}</option>`)}</select></label>
    <${Loaded} held=${held} again=${again}>
      ${item ? html`<${Team} key=${ward} item=${item} onDone=${again} />` : html`<p class="notice">${t("handover.no_team")}</p>`}
      ${may("policies") && html`<${Edit} key=${`edit ${ward}`} toml=${`ward = ${JSON.stringify(ward)}`} version="" ...${item} onDone=${again} />`}
    <//>
  <//>`;
}
