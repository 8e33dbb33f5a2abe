// Earlier alerts of the same rule and person: is this new, or the third time this week?
import { html } from "../page/html.js";
import { duration, when } from "../page/format.js";
import { useRead } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { personName } from "../page/staff.js";
import { t } from "../page/words.js";

const REACH_MS = 14 * 86_400_000;
const SHOWN = 3;

const lasted = ({ onset_at, ended_at, resolved_at }) => duration(Date.parse(ended_at ?? resolved_at) - Date.parse(onset_at));

/** Those of the same rule that began in the 14 days before, newest first. */
export function alike(items, { rule, onset_at: onset }) {
  const since = (other) => Date.parse(onset) - Date.parse(other.onset_at);
  const found = items.filter((other) => other.rule === rule && since(other) > 0 && since(other) <= REACH_MS);
  return found.sort((a, b) => since(a) - since(b));
}

/** When, how long, and what people said of it: the word of each that counts. */
function Like({ alert }) {
  const [{ body }] = useRead(`api/v1/alerts/${encodeURIComponent(alert.id)}`, alert.version);
  const over = alert.ended_at ?? alert.resolved_at;
  const said = body?.feedback.items.filter((item) => item.counts) ?? [];
  return html`<li>
    <time>${when(alert.onset_at, now.value)}</time> ${over ? t("card.lasted", { time: lasted(alert) }) : t("card.goes_on")}
    ${said.map((item) => html` <b>${t("feedback.said", { who: personName(item.person), time: when(item.at, now.value), what: t(`verdict.${item.verdict}`) })}</b>`)}
  </li>`;
}

/** `known`: the person's alerts, as `useAlerts` has them. */
export function Earlier({ alert, known: { state, items } }) {
  const like = alike(items, alert);
  return html`<section class="earlier"><h3>${t("card.before")}</h3>
    ${state === "failed" && html`<p class="muted">${t("card.before_failed")}</p>`}
    ${state === "ready" && html`<p>${like.length ? t("card.like_it", { n: like.length }) : t("card.first")}</p>`}
    <ul>
      ${like.slice(0, SHOWN).map((other) => html`<${Like} key=${other.id} alert=${other} />`)}
    </ul>
  </section>`;
}
