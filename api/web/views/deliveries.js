// Who was told, by which way, and how far each notice has come: queued, sent, delivered, seen and accepted are different facts.
import { html, useEffect, useState } from "../page/html.js";
import { clock, when } from "../page/format.js";
import { get, post } from "../page/http.js";
import { touchedAt } from "../page/idle.js";
import { now } from "../page/server_time.js";
import { session } from "../page/session.js";
import { SCREEN } from "../page/sounds.js";
import { personName } from "../page/staff.js";
import { isOpen } from "../page/ward.js";
import { t } from "../page/words.js";
import { mayAct } from "./acknowledge.js";

const APP = "app"; // the channel of this page; a notice to the person "" is for everybody who has it open
const AGAIN_MS = 10_000; // a pager's answer comes by no event
const LOOKED_MS = 2000;
const SHOWN = 4;
const HERE_MS = 120_000; // who has not touched the screen for so long does not look at it

const path = (alert, what) => `api/v1/alerts/${encodeURIComponent(alert.id)}/${what}`;

/** {state: loading | ready | failed, items} of one alert, read again while its card is open. */
export function useDeliveries(alert) {
  const [held, setHeld] = useState({ state: "loading", items: [] });
  useEffect(() => {
    let current = true;
    const put = (value) => current && setHeld(value);
    const read = () =>
      get(path(alert, "deliveries"))
        .then((body) => put({ state: "ready", items: body.items }))
        .catch(() => put((before) => (before.state === "ready" ? before : { state: "failed", items: [] })));
    read();
    const timer = setInterval(read, AGAIN_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [alert.id, alert.version]);
  return [held, setHeld];
}

const forMe = (item) => item.channel === APP && (item.person === "" || item.person === session.value?.name) && !item.seen_at;

/** Is at least half of it, or half of the window, in view? */
function inView(element) {
  const box = element.getBoundingClientRect();
  const shown = Math.min(box.bottom, innerHeight) - Math.max(box.top, 0);
  return shown >= Math.min(box.height, innerHeight) / 2;
}

/** Tells the server once that a notice for this person is on the screen: looked at for 2 s in a tab that has the focus. */
export function useSeen(alert, card, [{ items }, setHeld]) {
  const mine = items.filter(forMe).map((item) => item.id);
  useEffect(() => {
    if (!mine.length || !mayAct()) return undefined;
    let since = null;
    let telling = false;
    const tell = () => {
      telling = true;
      post(path(alert, "seen"), {}).then(
        (body) => setHeld({ state: "ready", items: body.items }),
        () => {
          telling = false; // not stored: look again
          since = null;
        },
      );
    };
    const timer = setInterval(() => {
      const looking = document.visibilityState === "visible" && document.hasFocus() && card.current && inView(card.current);
      if (!looking) since = null;
      else since ??= performance.now();
      if (since !== null && !telling && performance.now() - since >= LOOKED_MS) tell();
    }, 250);
    return () => clearInterval(timer);
  }, [mine.join()]);
}

/** Tells others, while this card is open and in sight and somebody is here. The server forgets it by itself. */
export function useLooking(alert, card) {
  const on = isOpen(alert) && mayAct();
  useEffect(() => {
    if (!on) return undefined;
    let told = false;
    const tell = (looks) => {
      if (looks || told) post("api/v1/screens/looking", { alert_id: alert.id, screen: SCREEN, looking: looks }).catch(() => {}); // said again soon
      told = looks;
    };
    const look = () => tell(document.visibilityState === "visible" && performance.now() - touchedAt < HERE_MS && inView(card.current));
    look();
    const timer = setInterval(look, AGAIN_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
      tell(false);
    };
  }, [alert.id, on]);
}

function whom({ channel, person }) {
  if (channel !== APP) return t("told.by_channel", { channel, who: personName(person) });
  return person ? t("told.page_of", { who: personName(person) }) : t("told.page_of_all");
}

function Notice({ item }) {
  const values = { time: when(item[`${item.state}_at`] ?? item.queued_at, now.value), why: item.why };
  const later = item.state === "queued" && item.attempts.length > 0;
  return html`<li class=${`notice-line ${item.state}`}>
    <b class="proof">${t(`proof.${item.state}`)}</b>
    <span><bdi>${whom(item)}</bdi>: ${t(later ? "told.again" : `told.${item.state}`, later ? { ...values, n: item.attempts.length, next: clock(item.next_at) } : values)}</span>
  </li>`;
}

/** Newest first. */
export function Deliveries({ held: { state, items } }) {
  if (state === "loading") return null;
  const newest = [...items].reverse();
  const list = (some) => html`<ul class="notices-told">${some.map((item) => html`<${Notice} key=${item.id} item=${item} />`)}</ul>`;
  return html`<section class="told">
    <h3>${t("told.title")}</h3>
    ${state === "failed" && html`<p class="muted">${t("told.failed_to_load")}</p>`}
    ${state === "ready" && !items.length && html`<p class="muted">${t("told.nobody")}</p>`}
    ${list(newest.slice(0, SHOWN))}
    ${newest.length > SHOWN && html`<details><summary>${t("told.older", { n: newest.length - SHOWN })}</summary>${list(newest.slice(SHOWN))}</details>`}
  </section>`;
}
