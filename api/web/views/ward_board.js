// Who needs me first? Tiles or table in the server's order; only what is in view is drawn.
import { effect, html, signal, useEffect, useMemo, useRef, useState } from "../page/html.js";
import { clock, duration } from "../page/format.js";
import { useKeys } from "../page/keyboard.js";
import { prefer, preferences } from "../page/preferences.js";
import { afterPicture } from "../page/rest.js";
import { go, openPatient, returnFocus } from "../page/route.js";
import { audience, sessionEnded } from "../page/session.js";
import { now } from "../page/server_time.js";
import { personName } from "../page/staff.js";
import { alertOf, cardOf, cards, loaded, lookOf, openAlertsOf, tally, wardOrder, workOrder } from "../page/ward.js";
import { Age, Badge, Coverage, Marks, Name, Person, ScoreBox, ScoreTrend, Spark, Trend, Value, lastWords, plainName } from "../page/parts.js";
import { TILE_VITALS, VITALS, freshness, vitalOfAlert } from "../page/vitals.js";
import { t, titleOf } from "../page/words.js";
import { Choice, Shown, choose, chosen, fitsPatient } from "./filters.js";

const NO_FILTER = { text: "", notWatched: false };
/** Beside what `filters.js` remembers. */
const filter = signal(NO_FILTER);
effect(() => {
  audience.value; // a name may have been typed
  filter.value = NO_FILTER;
});

export function showOnlyNotWatched() {
  choose("", "");
  filter.value = { ...NO_FILTER, notWatched: true };
}

const REORDER_MS = 10_000;

/** The order on the board: follows the server's at most once in 10 s, and not under pointer or focus. */
function useSteadyOrder(held) {
  const [order, setOrder] = useState(wardOrder.peek());
  const changed = useRef(0);
  const wanted = wardOrder.value;
  now.value; // asks again each second
  useEffect(() => {
    const at = performance.now();
    const membersChanged = wanted.length !== order.length || order.some((id) => !cards.has(id));
    if (wanted === order) return;
    if (!membersChanged && order.length && (held.current || at - changed.current < REORDER_MS)) return;
    changed.current = at;
    setOrder(wanted);
  });
  return order.filter((id) => cards.has(id));
}

function passes(card, { text, notWatched }) {
  if (!fitsPatient(card)) return false;
  if (notWatched && !["not_watched", "no_device", "paused"].includes(card.coverage?.state)) return false;
  if (!text) return true;
  return `${plainName(card, card.id)} ${card.id}`.toLowerCase().includes(text.toLowerCase());
}

// One observer for all tiles; a tile outside the window is an empty box of the same size.
const watchers = new Map();
const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) watchers.get(entry.target)?.(entry.isIntersecting);
  },
  { rootMargin: "200px 0px" },
);

/** Those at the top are drawn before the browser has looked where they are. */
const AT_ONCE = 24;

function useInView(atOnce) {
  const element = useRef(null);
  const [seen, setSeen] = useState(atOnce);
  useEffect(() => {
    const target = element.current;
    watchers.set(target, setSeen);
    observer.observe(target);
    return () => {
      observer.unobserve(target);
      watchers.delete(target);
    };
  }, []);
  return [element, seen];
}

/** False for the first picture of the board, which shows its top; the other hundreds come after it. */
function useSecondLook(ready) {
  const [whole, setWhole] = useState(false);
  useEffect(() => {
    if (!ready) return undefined;
    return afterPicture(() => setWhole(true));
  }, [ready]);
  return whole;
}

/** Outside the window a card is not listened to: all these boxes would be drawn each second for nothing. Names go with the session. */
const heldCard = (id, seen) => (seen ? cardOf(id) : (sessionEnded.value, cards.get(id)?.peek()));

// The parts of a cell are called, not mounted: a component of each would be a thousand more a tick.
function pressure({ bp_sys: high, bp_dia: low }) {
  if (!high) return Value({ value: null });
  return html`<span class="pair">${Value({ vital: "bp_sys", value: high })}${low && html`/${Value({ vital: "bp_dia", value: low })}`}</span>`;
}

function Cell({ vital, card }) {
  const main = vital === "bp" ? "bp_sys" : vital;
  const value = card.vitals[main];
  const state = value ? freshness(main, value, now.value) : "old";
  return html`<div class=${`cell ${vital}`}>
    <span class="label"><abbr title=${t(`vital.${vital}`)}>${t(`short.${vital}`)}</abbr> ${VITALS[main].unit}</span>
    <span class="reading"
      >${vital === "bp" ? pressure(card.vitals) : Value({ vital, value })} ${Trend({ trend: card.trend?.[main] })}</span
    >
    ${value && html`<span class="under">${Age({ at: value.measured_at, state })}${Marks({ value })}</span>`}
    ${value && state === "old" && html`<span class="for-readers">${lastWords(main, value)}</span>`}
  </div>`;
}

function topOf(patientId) {
  const ids = openAlertsOf(patientId);
  return { top: ids.length ? alertOf(ids[0]) : null, count: ids.length, ids };
}

/** How many of a patient's alerts have the priority of the top one. */
const alike = (top, ids) => ids.filter((id) => alertOf(id)?.priority === top.priority).length;

function Stand({ alert }) {
  if (alert.snoozed_until) return html`<span class="muted">${t("tile.snoozed", { time: clock(alert.snoozed_until) })}</span>`;
  if (alert.accept_by) return html`<span>${t("tile.handed", { who: personName(alert.owner) })}</span>`;
  if (alert.handling === "acknowledged") return html`<span class="muted">${t("tile.has_it", { who: personName(alert.owner || alert.acknowledged_by) })}</span>`;
  return html`<span>${t("alert.waiting", { time: duration(now.value - Date.parse(alert.opened_at)) })}</span>`;
}

function TileBody({ card, top, count, ids }) {
  const same = top ? alike(top, ids) : 0;
  const vital = top ? vitalOfAlert(top) ?? "spo2" : "spo2";
  const spark = card.sparks?.[vital] ? vital : "spo2";
  return html`<div class="l1"><${Person} card=${card} id=${card.id} />${top && html`<${Badge} alert=${top} count=${same} />`}</div>
    <div class="l2">
      ${top && html`<span class="what" title=${titleOf(top)}>${titleOf(top)}</span><${Stand} alert=${top} />${count > same && html`<span class="muted">${t("tile.more", { n: count - same })}</span>`}`}
    </div>
    <div class="cells">${TILE_VITALS.map((each) => html`<${Cell} key=${each} vital=${each} card=${card} />`)}</div>
    <div class="l6"><span class="score-line"><${ScoreBox} score=${card.score} />${ScoreTrend({ score: card.score, before: card.score_before })}</span><span class="spark-place" title=${t(`vital.${spark}`)}><${Spark} vital=${spark} points=${card.sparks?.[spark]} /></span></div>
    <div class="l7"><${Coverage} coverage=${card.coverage} />${card.demo && html`<span class="demo-mark">${t("demo.short")}</span>`}</div>`;
}

const edgeOf = (top) => (top ? `${top.priority} ${lookOf(top)} ${top.handling} ${top.snoozed_until ? "snoozed" : ""}` : "calm");

function Tile({ id, atOnce }) {
  const [element, seen] = useInView(atOnce);
  const card = heldCard(id, seen);
  if (!card) return null;
  const { top, count, ids } = topOf(id);
  return html`<li ref=${element} class=${`tile ${edgeOf(top)}`} data-patient=${id}>
    <a class="tile-link" href=${`#/patient/${encodeURIComponent(id)}`} aria-label=${t("tile.open", { who: plainName(card, id) })} onClick=${(event) => {
      event.preventDefault();
      openPatient(id);
    }}></a>
    ${seen && html`<${TileBody} card=${card} top=${top} count=${count} ids=${ids} />`}
  </li>`;
}

function TableRow({ id, atOnce }) {
  const [element, seen] = useInView(atOnce);
  const card = heldCard(id, seen);
  if (!card) return null;
  const { top, ids } = topOf(id);
  return html`<tr ref=${element} class=${`ward-row ${edgeOf(top)}`} data-patient=${id} onClick=${() => openPatient(id)}>
    ${!seen && html`<td colspan="10" class="unseen"></td>`}
    ${seen &&
    html`<td class="badge-cell">${top && html`<${Badge} alert=${top} count=${alike(top, ids)} />`}</td>
      <th scope="row"><a href=${`#/patient/${encodeURIComponent(id)}`}><${Person} card=${card} id=${id} /></a></th>
      <td class="top-alert">${top && html`<span class="what">${titleOf(top)}</span> <${Stand} alert=${top} />`}</td>
      ${TILE_VITALS.map((vital) => html`<td key=${vital} class="vital"><${Cell} vital=${vital} card=${card} /></td>`)}
      <td class="score-line"><${ScoreBox} score=${card.score} /> ${ScoreTrend({ score: card.score, before: card.score_before })}</td>
      <td><${Coverage} coverage=${card.coverage} /></td>`}
  </tr>`;
}

const Tiles = ({ ids }) => html`<ul class="tiles">${ids.map((id, i) => html`<${Tile} key=${id} id=${id} atOnce=${i < AT_ONCE} />`)}</ul>`;

function Table({ ids }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t("nav.ward")}>
    <table class="ward-table">
      <thead>
        <tr>
          <th scope="col">${t("col.priority")}</th>
          <th scope="col">${t("col.patient")}</th>
          <th scope="col">${t("col.alert")}</th>
          ${TILE_VITALS.map((vital) => html`<th scope="col" key=${vital}>${t(`short.${vital}`)} <small>${VITALS[vital === "bp" ? "bp_sys" : vital].unit}</small></th>`)}
          <th scope="col">${t("col.score")}</th>
          <th scope="col">${t("col.coverage")}</th>
        </tr>
      </thead>
      <tbody>${ids.map((id, i) => html`<${TableRow} key=${id} id=${id} atOnce=${i < AT_ONCE} />`)}</tbody>
    </table>
  </div>`;
}

/** High and not yet taken: always in the same place above the board, at once, whatever the filter hides. */
function TopBand() {
  const high = workOrder.value.map((id) => alertOf(id)).filter((alert) => alert?.priority === "high" && alert.handling === "unacknowledged");
  return html`<section class="top-band" aria-label=${t("ward.high_waiting")}>
    ${high.length === 0 && html`<p class="muted">${t("ward.no_high")}</p>`}
    <ul>
      ${high.map(
        (alert) => html`<li key=${alert.id}>
          <button class="chip" onClick=${() => go("worklist", alert.id)}>
            <${Badge} alert=${alert} /> <${Name} card=${cardOf(alert.patient_id)} id=${alert.patient_id} /> <b title=${titleOf(alert)}>${titleOf(alert)}</b> <${Stand} alert=${alert} />
          </button>
        </li>`,
      )}
    </ul>
  </section>`;
}

function Filters({ shown, hiddenAlerts, inView }) {
  const set = (change) => {
    filter.value = { ...filter.value, ...change };
  };
  const all = () => {
    choose("", "");
    filter.value = NO_FILTER;
  };
  const now_ = filter.value;
  const total = tally.value.total;
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <input id="search" type="search" value=${now_.text} placeholder=${t("filter.search")} aria-label=${t("filter.search")} onInput=${(event) => set({ text: event.target.value })} />
    <${Choice} />
    <label><input type="checkbox" checked=${now_.notWatched} onChange=${(event) => set({ notWatched: event.target.checked })} />${t("filter.not_watched")}</label>
    <button type="button" onClick=${() => go("handover", chosen().ward)}>${t("nav.handover")}</button>
    <button type="button" onClick=${() => prefer({ board: preferences.value.board === "tiles" ? "table" : "tiles" })}>
      ${t(preferences.value.board === "tiles" ? "ward.as_table" : "ward.as_tiles")}
    </button>
    <p class="counts" role="status">
      ${shown < total
        ? html`${hiddenAlerts > 0 && html`<b>${t("filter.hidden", { n: hiddenAlerts })}</b>`} <${Shown} n=${shown} total=${total} inside=${(alert) => !cards.has(alert.patient_id) || inView.has(alert.patient_id)} onAll=${all} />`
        : t("ward.counts", tally.value)}
    </p>
  </form>`;
}

export function WardBoard() {
  const held = useRef(false);
  const area = useRef(null);
  const order = useSteadyOrder(held);
  const whole = useSecondLook(loaded.value);
  // Read without subscribing: this runs once a second anyway, and 1,000 subscriptions would cost more than they tell.
  const shown = order.filter((id) => passes(cards.get(id).peek(), filter.value));
  const { board: form } = preferences.value;
  // The same element as long as the same people stand in it: else a thousand are compared each second.
  const board = useMemo(() => html`<${form === "table" ? Table : Tiles} ids=${whole ? shown : shown.slice(0, AT_ONCE)} />`, [form, whole, shown.join()]);
  const inView = new Set(shown);
  const hiddenAlerts = shown.length === order.length ? 0 : order.filter((id) => !inView.has(id) && openAlertsOf(id).length).length;
  useKeys({
    "/": () => document.getElementById("search")?.focus(),
    t: () => prefer({ board: preferences.value.board === "tiles" ? "table" : "tiles" }),
  });
  useEffect(() => {
    const target = returnFocus.peek();
    if (!target || !area.current) return;
    area.current.querySelector(`[data-patient="${CSS.escape(target)}"] a`)?.focus();
    returnFocus.value = null;
  }, [loaded.value]);
  if (!loaded.value) return html`<main id="main" class="ward" tabindex="-1"><p>${t("list.loading")}</p></main>`;
  return html`<main id="main" class="ward" tabindex="-1" ref=${area}>
    <h1 class="for-readers">${t("nav.ward")}</h1>
    <${TopBand} />
    <${Filters} shown=${shown.length} hiddenAlerts=${hiddenAlerts} inView=${inView} />
    <div
      class="board"
      onPointerEnter=${() => { held.current = true; }}
      onPointerLeave=${() => { held.current = false; }}
      onFocusIn=${() => { held.current = true; }}
      onFocusOut=${() => { held.current = false; }}
    >
      ${board}
      ${shown.length === 0 && html`<p class="nothing">${t(order.length ? "filter.none" : "ward.empty")}</p>`}
    </div>
  </main>`;
}
