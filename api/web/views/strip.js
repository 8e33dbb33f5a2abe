// The fixed strip, the bars under it and the main bar: can I trust this screen?
import { html, useEffect } from "../page/html.js";
import { isAlarmPath, waits } from "../page/calls.js";
import { clock, duration, zone } from "../page/format.js";
import { rest } from "../page/rest.js";
import { go, route } from "../page/route.js";
import { away } from "../page/away.js";
import { clockDifference, jump, now } from "../page/server_time.js";
import { audience, session } from "../page/session.js";
import { personName } from "../page/staff.js";
import { back, link } from "../page/stream.js";
import { alertOf, cards, inMainLane, loaded, tally, workOrder } from "../page/ward.js";
import { announce } from "../page/announce.js";
import { t } from "../page/words.js";
import { SoundState } from "./sounds.js";
import { showOnlyNotWatched } from "./ward_board.js";

function LinkState() {
  const { state, lastAt } = link.value;
  if (state === "live") return html`<span class="data">${t("strip.data")} <time>${clock(lastAt, true)}</time></span>`;
  if (state === "lost") return html`<span class="data old">${t("strip.old")} <time>${clock(lastAt, true)}</time></span>`;
  return html`<span class="data">${t("strip.connecting")}</span>`;
}

function NotWatched() {
  if (!loaded.value) return null;
  const n = tally.value.not_watched + tally.value.no_device;
  const open = () => {
    showOnlyNotWatched();
    go("ward");
  };
  const paused = tally.value.paused;
  return html`<button class=${`plain ${n ? "blind" : ""}`} onClick=${open}>${t("strip.not_watched", { n })}</button>
    ${paused > 0 && html`<button class="plain" onClick=${open}><span aria-hidden="true">‖</span> ${t("strip.paused", { n: paused })}</button>`}`;
}

/** Alerts reach nobody: said on every view, in a place that is always there. */
function AlarmPath() {
  const broken = workOrder.value.map((id) => alertOf(id)).filter((alert) => alert && isAlarmPath(alert) && waits(alert));
  if (!broken.length) return null;
  const missing = broken.find((alert) => alert.rule === "self_test");
  const words = missing ? t("strip.self_test") : t("strip.unanswered", { n: broken.length });
  return html`<button class="alarm-path" onClick=${() => go("worklist", (missing ?? broken[0]).id)}><span aria-hidden="true">◇</span> ${words}</button>`;
}

export function Strip() {
  const here = session.value;
  return html`<div class="strip">
    ${tally.value.demo > 0 && html`<span class="demo-mark">${t("demo.short")}</span>`}
    <${LinkState} />
    <${AlarmPath} />
    <${NotWatched} />
    <${SoundState} />
    <span class="fill"></span>
    <span class="user"><bdi>${here.display ?? here.name}</bdi> · ${t(`role.${here.role}`)}</span>
    <time class="clock">${clock(now.value)} <span class="zone">${zone()}</span></time>
  </div>`;
}

export function Bars() {
  const { state, lostAt, slow } = link.value;
  return html`
    ${state === "lost" &&
    html`<div class="bar lost">
      <strong>${t("lost.bar", { time: clock(lostAt, true) })}</strong> ${t("lost.age", { time: duration(now.value - lostAt) })}
    </div>`}
    ${state === "connecting" && slow && html`<div class="bar lost"><strong>${t("lost.never")}</strong></div>`}
    ${session.value.locked && rest.value && html`<${rest.value.LockBar} />`}
    ${tally.value.demo > 0 && html`<div class="bar demo">${t("demo.stripe")}</div>`}
    ${rest.value && html`<${rest.value.GlassBars} />`}
  `;
}

function Back() {
  const news = back.value;
  useEffect(() => {
    if (!news) return undefined;
    announce(t("lost.back", { time: duration(news.seconds * 1000), n: news.fresh }), "polite");
    const timer = setTimeout(() => {
      if (back.peek() === news) back.value = null;
    }, 20_000);
    return () => clearTimeout(timer);
  }, [news]);
  if (!news || link.value.state !== "live") return null;
  return html`<p class="notice">${t("lost.back", { time: duration(news.seconds * 1000), n: news.fresh })}</p>`;
}

const SKEW_MS = 5000;

function Clocks() {
  const difference = clockDifference.value;
  if (difference === null || Math.abs(difference) <= SKEW_MS) return null;
  const key = difference > 0 ? "clock.fast" : "clock.slow";
  return html`<p class="notice">${t(key, { time: duration(Math.abs(difference)) })}</p>`;
}

/** Times from before are counted by another clock; it stays until somebody has read it. */
function Jump() {
  if (!jump.value) return null;
  const { by, at } = jump.value;
  const text = t(by > 0 ? "clock.forward" : "clock.back", { time: duration(Math.abs(by)), at: clock(at) });
  return html`<p class="notice">${text} <button onClick=${() => (jump.value = null)}>${t("ack.understood")}</button></p>`;
}

/** What others did meanwhile; it stays until somebody has read it. */
function Away() {
  const news = away.value;
  const text = news && awayWords(news);
  useEffect(() => {
    if (text) announce(text, "polite");
  }, [text]);
  return text && html`<p class="notice">${text} <button onClick=${() => (away.value = null)}>${t("ack.understood")}</button></p>`;
}

function awayWords({ since_at: since, at, taken, ...counts }) {
  const parts = ["opened", "escalated", "resolved"].filter((name) => counts[name]).map((name) => t(`away.${name}`, { n: counts[name] }));
  for (const { by, alerts } of taken) parts.push(t("away.taken", { who: by ? personName(by) : t("away.somebody"), n: alerts }));
  return parts.length > 0 && t("away.since", { from: clock(Date.parse(since)), to: clock(Date.parse(at)), what: parts.join(t("list.comma")) });
}

export const Notices = () => html`<aside class="notices" aria-label=${t("strip.notices")}><${Away} /><${Back} /><${Clocks} /><${Jump} />${rest.value && html`<${rest.value.ShiftNotices} key=${audience.value} />`}</aside>`;

const waitingNow = () => {
  const patients = new Set();
  for (const id of workOrder.value) {
    const alert = alertOf(id);
    if (alert && inMainLane(alert) && waits(alert)) patients.add(alert.patient_id);
  }
  return patients.size;
};

const VIEWS = ["worklist", "ward", "handover", "more"];
/** In which of them another view lies. */
const inside = (view) => (view === "patient" ? "ward" : VIEWS.includes(view) ? view : "more");

export function MainBar() {
  const here = route.value.view;
  const n = waitingNow();
  return html`<nav class="main-bar" aria-label=${t("nav.label")}>
    ${VIEWS.map((view) => {
      const current = inside(here) === view;
      return html`<a key=${view} href=${`#/${view}`} aria-current=${current ? "page" : null}
        >${t(`nav.${view}`)}${view === "worklist" && n > 0 && html` <span class="count">${n}</span>`}</a
      >`;
    })}
  </nav>`;
}

/** What the tab says: old before anything else, then how many high alerts wait. */
export function useTitle() {
  const { state } = link.value;
  const high = workOrder.value.filter((id) => {
    const alert = alertOf(id);
    return alert && alert.priority === "high" && waits(alert);
  }).length;
  const demo = cards.size && tally.value.demo > 0 ? `${t("demo.short")} · ` : "";
  const text = state === "lost" ? `⚠ ${t("strip.old")} · Vigil` : `${high ? `(${high}) ` : ""}${demo}Vigil`;
  useEffect(() => {
    document.title = text;
  }, [text]);
}
