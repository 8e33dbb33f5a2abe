// What must the next shift know? The server's facts of one ward as a page to read, to print, and to accept from.
import { html, useEffect, useState } from "../page/html.js";
import { get } from "../page/http.js";
import { useKeys } from "../page/keyboard.js";
import { go, route } from "../page/route.js";
import { useRead } from "../page/sending.js";
import { jumps } from "../page/server_time.js";
import { loaded, tally, wardNames, wardOrder } from "../page/ward.js";
import { wardDay, wardTime } from "../page/ward_time.js";
import { t } from "../page/words.js";
import { HandoverFacts } from "./handover_facts.js";
import { Shift } from "./shift.js";

/** {state: loading | ready | failed, facts} of one ward; `again` reads anew. */
function useFacts(ward) {
  const [held, setHeld] = useState({ state: "loading", facts: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let current = true;
    if (!ward) return undefined;
    setHeld({ state: "loading", facts: null });
    get(`api/v1/handover?ward=${encodeURIComponent(ward)}`)
      .then((facts) => current && setHeld({ state: "ready", facts }))
      .catch(() => current && setHeld({ state: "failed", facts: null }));
    return () => {
      current = false;
    };
  }, [ward, round, jumps.value]); // who is on call, and since when, hangs on the time
  return [held, () => setRound(round + 1)];
}

const names = (members) => members.map((one) => one.name).join(t("list.comma"));

export function People({ facts, time }) {
  if (facts.team_id === null) return html`<p class="notice">${t("handover.no_team")}</p>`;
  const next = facts.next;
  return html`<p>
    ${t("handover.on_call")} <b><bdi>${names(facts.on_call)}</bdi></b>${facts.filled && ` (${t("handover.filled")})`}${t("list.stop")}
    ${next && html` ${t("handover.then")} <b><bdi>${names(next.on_call)}</bdi></b> ${t("handover.from", { time: time(next.at) })}`}
  </p>`;
}

function Summary({ facts }) {
  const { high, medium, low, technical } = facts.alerts;
  const free = [...high, ...medium, ...low, ...technical].filter((one) => !one.owner).length;
  return html`<p class="summary">
    <b>${t("handover.open", { high: high.length, medium: medium.length, low: low.length, technical: technical.length })}</b>${" "}
    ${t("handover.free", { n: free })}${" "}
    <b>${t("handover.gaps", { n: facts.not_watched.length, total: facts.patients })}</b>
  </p>`;
}

function Note({ facts, onAgain }) {
  const time = (at) => wardTime(facts.timezone, at, facts.at);
  return html`<article class="handover-note">
    <header>
      <h1>${t("handover.title")} <bdi>${facts.ward}</bdi></h1>
      <p class="made">${t("handover.made", { day: wardDay(facts.timezone, facts.at), time: time(facts.at), zone: facts.timezone })}</p>
      ${tally.value.demo > 0 && html`<p class="demo-mark">${t("demo.stripe")}</p>`}
      <p class="tools"><button onClick=${onAgain}>${t("handover.again")}</button> <button onClick=${() => print()}>${t("handover.print")}</button></p>
    </header>
    <${People} facts=${facts} time=${time} />
    <${Summary} facts=${facts} />
    <${HandoverFacts} facts=${facts} time=${time} />
  </article>`;
}

/** Without a choice: the ward of the own team, else the first one. */
export function Handover() {
  const all = wardNames();
  const [{ state: asked, body }] = useRead("api/v1/teams");
  const own = body?.items.find(({ member, team }) => member && all.includes(team.ward))?.team.ward;
  const ward = route.value.id || (asked === "loading" ? "" : own || all[0] || "");
  const [{ state, facts }, again] = useFacts(ward);
  useKeys({ Escape: () => go("ward") });
  const choose = (event) => go("handover", event.target.value);
  return html`<main id="main" class="handover" tabindex="-1">
    <${Shift} />
    ${all.length > 1 &&
    html`<label class="choose-ward">${t("filter.ward")}
      <select value=${ward} onChange=${choose}>${all.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select>
    </label>`}
    ${!all.length && loaded.value && html`<p class="nothing">${t("ward.empty")}</p>`}
    ${ward && state === "loading" && html`<p class="nothing">${t("list.loading")}</p>`}
    ${state === "failed" && html`<p class="nothing">${t("handover.failed")} <button onClick=${again}>${t("ack.try_again")}</button></p>`}
    ${state === "ready" && html`<${Note} facts=${facts} onAgain=${again} />`}
  </main>`;
}
