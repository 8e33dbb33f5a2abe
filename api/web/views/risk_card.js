// What the risk models say of this person: never a bare number, always why, since when, how old, and what it is not.
import { html, useEffect, useState } from "../page/html.js";
import { age, calendar, clock, when } from "../page/format.js";
import { get, ofPatient } from "../page/http.js";
import { link } from "../page/stream.js";
import { now } from "../page/server_time.js";
import { partName } from "../page/parts.js";
import { known, t, textOf } from "../page/words.js";

const AGAIN_MS = 60_000;
const DAY_MS = 86_400_000;
/** A prediction is renewed at quarter hours while values come: after so long it is old, after three times that no number is shown. */
const OLD_MS = 2 * 3_600_000;
const NOTHING = { state: "loading", items: [], facts: new Map() };
const SHOWN_REASONS = 3;
const LEAST_LOG_ODDS = 0.05; // less than about one in twenty: no reason worth a nurse's time

/** What the active models said in the last 24 h, oldest first, and the facts of each that is still in use. */
async function read(patientId) {
  const { items } = await get(ofPatient(patientId, "risk"));
  if (!items.length) return { items, facts: new Map() };
  const models = await get("api/v1/models");
  const facts = new Map(models.items.filter((one) => one.state === "active").map((one) => [one.name, one]));
  return { items: items.filter((item) => facts.has(item.model)), facts };
}

/** {state: loading | ready | failed, items, facts}, read again each minute. */
function useRisk(patientId) {
  const [held, setHeld] = useState(NOTHING);
  const live = link.value.state === "live";
  useEffect(() => {
    let current = true;
    const put = (value) => current && setHeld(value);
    const again = () =>
      read(patientId)
        .then((found) => put({ state: "ready", ...found }))
        .catch(() => put((before) => (before.state === "ready" ? before : { ...NOTHING, state: "failed" })));
    again();
    const timer = setInterval(again, AGAIN_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [patientId, live]);
  return held;
}

/** Of each model the newest, since when it stands on its side of the threshold, and whether it may have stood there before. */
export function newestOfEach(items) {
  const models = new Map();
  for (const item of items) {
    const before = models.get(item.model);
    const same = before && before.item.alert === item.alert;
    models.set(item.model, same ? { ...before, item } : { item, since: item.at, earlier: !before });
  }
  return [...models.values()];
}

/** A hundred people: full = about so many, rings = up to so many. */
function Hundred({ about, high }) {
  const kind = (n) => (n < about ? "about" : n < high ? "maybe" : "spared");
  return html`<svg class="hundred" viewBox="0 0 200 50" aria-hidden="true">
    ${Array.from({ length: 100 }, (_, n) => html`<circle key=${n} class=${kind(n)} cx=${5 + 10 * (n % 20)} cy=${5 + 10 * Math.floor(n / 20)} r=${kind(n) === "spared" ? 1.5 : 3.5} />`)}
  </svg>`;
}

const hundredth = (share) => Math.round(100 * share);

const eventName = (item) => (known(`foretold.${item.model}`) ? t(`foretold.${item.model}`) : item.label);

/** Out of a hundred, said in whole people; fewer than one has no number. */
function Often({ item }) {
  const values = { n: hundredth(item.probability), low: hundredth(item.low), high: hundredth(item.high) };
  const few = item.probability < 0.01;
  return html`<div class="often">
    <p>
      <b class="count">${t(few ? "risk.few" : "risk.count", values)}</b>${" "}
      <span class="range">${few ? values.high > 1 && t("risk.up_to", values) : t("risk.range", values)}</span>
    </p>
    <${Hundred} about=${few ? 0 : values.n} high=${values.high} />
  </div>`;
}

function Reasons({ item }) {
  const strong = [...item.contributions]
    .filter((one) => Math.abs(one.log_odds) >= LEAST_LOG_ODDS)
    .sort((one, other) => Math.abs(other.log_odds) - Math.abs(one.log_odds))
    .slice(0, SHOWN_REASONS);
  if (!strong.length) return null;
  return html`<h4>${t("risk.reasons", { time: clock(item.at) })}</h4>
    <ul class="reasons">
      ${strong.map((one) => {
        const way = one.log_odds > 0 ? "raises" : "lowers";
        return html`<li key=${one.group}><span class=${`way ${way}`}><span aria-hidden="true">${way === "raises" ? "↑" : "↓"}</span> ${t(`risk.${way}`)}</span> <span>${textOf(one)}</span></li>`;
      })}
    </ul>`;
}

function Inputs({ item }) {
  if (!item.inputs.length) return null;
  return html`<p class="inputs">
    ${t("risk.inputs")} ${item.inputs.map((one) => html`<span key=${one.vital}>${partName(one.vital)} <b>${age(now.value - Date.parse(one.measured_at))}</b></span>`)}
  </p>`;
}

function Side({ item, since, earlier }) {
  const side = item.alert ? "above" : "below";
  return html`<p class=${`side ${side}`}>${t(`risk.${side}_${earlier ? "earlier" : "since"}`, { time: when(since, now.value) })}</p>`;
}

/** The facts of the model's card that count at the bedside; the whole card is the clinical owner's business. */
function Facts({ facts }) {
  const rows = [
    ["label", [facts.label]],
    ["patients", [facts.patients]],
    ["out_of_scope", facts.out_of_scope],
    ["training_data", [facts.training_data]],
    ["failure_modes", facts.failure_modes],
    ["missing_input", [facts.missing_input]],
    ["approved_by", facts.approved_by.length ? facts.approved_by : [t("fact.nobody")]],
    ["revalidate_by", [calendar(facts.revalidate_by)]],
  ];
  return html`<details class="facts">
    <summary>${t("risk.facts")}</summary>
    <dl>
      ${rows.map(([name, texts]) => html`<div key=${name}><dt>${t(`fact.${name}`)}</dt><dd>${texts.map((text) => html`<span key=${text}>${text}</span>`)}</dd></div>`)}
    </dl>
  </details>`;
}

/** Where it comes from, and how far it can be trusted. */
function About({ item, facts }) {
  return html`<p class="about-model muted">
      ${t("risk.made", { time: clock(item.decided_at), until: clock(item.at) })} <span class="model-name">${item.model} ${item.version}</span><br />
      ${t("risk.learned")} ${t("risk.no_diagnosis")}
      ${facts.groups_not_evaluated && html`<br />${t("risk.not_checked", { groups: facts.groups_not_evaluated })}`}
    </p>
    <${Facts} facts=${facts} />`;
}

function Model({ item, since, earlier, facts }) {
  const oldMs = now.value - Date.parse(item.decided_at);
  const old = oldMs > OLD_MS;
  const gone = oldMs > 3 * OLD_MS;
  const decided = item.source === "news2";
  return html`<article class=${`risk-model ${old ? "old" : ""}`} data-model=${item.model}>
    <h3>${eventName(item)}</h3>
    ${old && html`<p class="late-note">${t(gone ? "risk.gone" : "risk.old", { time: when(item.decided_at, now.value), age: age(oldMs) })}</p>`}
    ${decided && html`<p class="news2-decides"><b>${t("risk.news2_decides", { why: item.abstained })}</b></p>`}
    ${!gone &&
    html`<p class="such muted">${t(decided ? "risk.such_news2" : "risk.such_values")}</p>
      <${Often} item=${item} />
      ${!decided && html`<${Side} item=${item} since=${since} earlier=${earlier} />`}
      <${Reasons} item=${item} />
      <${Inputs} item=${item} />`}
    <${About} item=${item} facts=${facts} />
  </article>`;
}

/** Only there when an active model has said something in the last 24 h, or when that is not known. */
export function RiskCard({ patientId }) {
  const { state, items, facts } = useRisk(patientId);
  const models = newestOfEach(items).filter(({ item }) => now.value - Date.parse(item.decided_at) < DAY_MS);
  if (state === "failed") return html`<section class="risk"><h2>${t("risk.title")}</h2><p class="muted">${t("risk.failed")}</p></section>`;
  if (!models.length) return null;
  return html`<section class="risk" aria-labelledby="risk-title">
    <h2 id="risk-title">${t("risk.title")}</h2>
    ${models.map((one) => html`<${Model} key=${one.item.model} ...${one} facts=${facts.get(one.item.model)} />`)}
  </section>`;
}
