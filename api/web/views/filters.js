// Of which ward, and whose: what the work list and the board show. Remembered for each person on this device: names of wards, nothing
// of patients. What is high and has nobody is never hidden without a word.
import { html, signal, useEffect } from "../page/html.js";
import { waits } from "../page/calls.js";
import { prefer, preferences } from "../page/preferences.js";
import { useRead } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { session } from "../page/session.js";
import { alertOf, cards, openAlertsOf, wardNames, workOrder } from "../page/ward.js";
import { t } from "../page/words.js";

const AGAIN_MS = 30_000;

const me = () => session.value?.name;
export const chosen = () => preferences.value.filters?.[me()] ?? { ward: "", whose: "" };
export const choose = (ward, whose) => prefer({ filters: { ...preferences.value.filters, [me()]: { ward, whose } } });

/** As the server lists them. */
const teams = signal([]);
const teamOf = (ward) => teams.value.find(({ team }) => team.ward === ward);

/** Alerts of Vigil itself are of every ward. A ward without a team calls everybody. */
export function fits(alert) {
  if (!alert) return false;
  const { ward, whose } = chosen();
  const its = cards.get(alert.patient_id)?.peek().ward;
  if (ward && its && its !== ward) return false;
  if (whose === "mine") return (alert.owner || alert.acknowledged_by) === me();
  if (!whose || (alert.accept_by && alert.owner === me())) return true;
  return waits(alert) && (teamOf(its)?.calls.some((level) => level <= alert.escalation_level) ?? true);
}

/** The patients of my teams are mine too. */
export function fitsPatient(card) {
  const { ward, whose } = chosen();
  if (!whose || (whose === "mine" && teamOf(card.ward)?.member)) return !ward || card.ward === ward;
  return openAlertsOf(card.id).some((id) => fits(alertOf(id)));
}

/** `onChoice`: something else is shown from now on. */
export function Choice({ onChoice }) {
  const { ward, whose } = chosen();
  const set = (...choice) => {
    choose(...choice);
    onChoice?.();
  };
  const [{ body }] = useRead("api/v1/teams", whose && Math.floor(now.value / AGAIN_MS));
  useEffect(() => {
    if (body) teams.value = body.items;
  }, [body]);
  const wards = [...new Set([...wardNames(), ward])].filter(Boolean);
  return html`${wards.length > 1 &&
    html`<select aria-label=${t("filter.ward")} value=${ward} onChange=${(event) => set(event.target.value, whose)}>
      <option value="">${t("filter.all_wards")}</option>
      ${wards.map((each) => html`<option key=${each} value=${each}>${[each, teamOf(each)?.team.id].filter(Boolean).join(" · ")}</option>`)}
    </select>`}
    <div class="ranges" role="group" aria-label=${t("filter.whose")}>
      ${["", "mine", "needs_me"].map((each) => html`<button type="button" aria-pressed=${each === whose} onClick=${() => set(ward, each)}>${t(`filter.${each || "all"}`)}</button>`)}
    </div>`;
}

/** How many of all are shown, and how many high alerts that nobody has taken are not; one tap shows everything. */
export function Shown({ n, total, inside, onAll }) {
  const high = workOrder.value.map(alertOf).filter((alert) => alert?.priority === "high" && alert.handling === "unacknowledged" && !inside(alert)).length;
  return html`<b>${t("filter.showing", { n, total })}</b> <button type="button" class=${high && "danger"} onClick=${onAll}>${high ? t("filter.outside", { n: high }) : t("filter.clear")}</button>`;
}
