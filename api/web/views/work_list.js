// What do I do next, and who has the rest? Ranked by the server, grouped by patient, never moving under the hand.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../page/html.js";
import { clock } from "../page/format.js";
import { useKeys } from "../page/keyboard.js";
import { Lane } from "../page/lane.js";
import { rest } from "../page/rest.js";
import { go, goBack, openPatient, returnFocus, route } from "../page/route.js";
import { now } from "../page/server_time.js";
import { link } from "../page/stream.js";
import { acknowledge } from "../page/commands.js";
import { isHeld } from "../page/calls.js";
import { alertOf, inMainLane, lastAlertAt, loaded, orderFailed, readAlert, tally, workOrder } from "../page/ward.js";
import { announce } from "../page/announce.js";
import { t } from "../page/words.js";
import { canAcknowledge, mayAcknowledgeNow } from "./acknowledge.js";
import { Choice, Shown, choose, chosen, fits } from "./filters.js";
import { Row, firstOf, unfold } from "./row.js";
import { showOnlyNotWatched } from "./ward_board.js";

const lanes = {
  main: new Lane((alert) => inMainLane(alert) && fits(alert)),
  technical: new Lane((alert) => !inMainLane(alert) && fits(alert)),
};

export function followLanes() {
  lanes.main.follow();
  lanes.technical.follow();
}

/** Is a hand on a list, whose rows must not move then? */
export const listHeld = () => lanes.main.frozen || lanes.technical.frozen;

function showAll() {
  lanes.main.show();
  lanes.technical.show();
}

const openCard = (alertId) => go("worklist", alertId);

/** Keeps the focus on its patient, and the row at the top of the window in its place, through a re-order. */
function useSteadyRows(lane, rows, list, focused) {
  const before = useRef(null);
  const order = rows.map((row) => row.patientId);
  if (list.current && before.current?.order.join() !== order.join()) {
    const element = document.activeElement?.closest?.("[data-patient]");
    const inside = element && list.current.contains(element);
    before.current = { order: before.current?.order ?? [], focus: inside ? element.dataset.patient : null, moved: true };
  }
  useLayoutEffect(() => {
    const held = before.current;
    if (held?.moved && held.focus) {
      let target = held.focus;
      if (!order.includes(target)) {
        const place = Math.min(held.order.indexOf(target), order.length - 1);
        target = order[Math.max(0, place)];
        announce(t("list.row_gone"), "polite");
      }
      const element = target && list.current.querySelector(`[data-patient="${CSS.escape(target)}"]`);
      if (element && document.activeElement !== element) element.focus({ preventScroll: true });
      focused.current = target ?? null;
    }
    before.current = { order, focus: null, moved: false };
  });
}

function Rows({ lane, label, selected }) {
  const rows = lane.rows.value;
  const list = useRef(null);
  const focused = useRef(null);
  useSteadyRows(lane, rows, list, focused);
  const currentId = rows.some((row) => row.patientId === focused.current) ? focused.current : rows[0]?.patientId;
  return html`<div
    class="rows"
    role="grid"
    aria-label=${label}
    aria-busy=${lane.deaf.value}
    ref=${list}
    onPointerEnter=${() => lane.enter("pointer")}
    onPointerMove=${() => lane.input()}
    onPointerLeave=${() => lane.leave("pointer")}
    onFocusIn=${() => lane.enter("focus")}
    onFocusOut=${(event) => {
      if (!list.current?.contains(event.relatedTarget)) lane.leave("focus");
    }}
    onKeyDown=${() => lane.input()}
    onClickCapture=${(event) => {
      if (lane.deaf.peek()) event.stopPropagation();
    }}
  >
    ${rows.map(
      (row) =>
        html`<${Row}
          key=${row.patientId}
          row=${row}
          lane=${lane}
          current=${row.patientId === currentId}
          selected=${row.ids.includes(selected)}
          onCard=${openCard}
          onFocus=${() => {
            focused.current = row.patientId;
          }}
        />`,
    )}
  </div>`;
}

/** Calls that the ward's budget holds back: counted, and one tap leads to the first of them. */
function Held({ lane }) {
  const rows = lane.rows.value.filter((row) => row.ids.some((id) => isHeld(alertOf(id) ?? { state: "resolved" })));
  const n = rows.reduce((sum, row) => sum + row.ids.filter((id) => isHeld(alertOf(id) ?? { state: "resolved" })).length, 0);
  if (!n) return null;
  const show = () => {
    const { patientId } = rows[0];
    unfold(patientId, true);
    const element = document.querySelector(`.lane .row[data-patient="${CSS.escape(patientId)}"]`);
    element?.scrollIntoView({ block: "nearest" });
    element?.focus({ preventScroll: true });
  };
  return html`<button class="held-count" title=${t("held.why")} onClick=${show}>${t("held.count", { n })}</button>`;
}

/** Of constant height, so that nothing that comes moves the rows. */
function NewBand({ lane, title }) {
  const { n, high } = lane.waiting.value;
  return html`<div class="new-band">
    <h2>${title}</h2>
    ${n > 0 && html`<button class=${`new ${high ? "high" : ""}`} onClick=${() => lane.show()}>${t("list.new", { n, high })}</button>`}
    <${Held} lane=${lane} />
  </div>`;
}

/** Of constant height too. `onChoice`: the rows move at once, by the nurse's own hand. */
function Filters({ onChoice }) {
  const { ward, whose } = chosen();
  const all = () => {
    choose("", "");
    onChoice();
  };
  const n = workOrder.value.filter((id) => fits(alertOf(id))).length;
  return html`<div class="filters list-filters">
    <${Choice} onChoice=${onChoice} />
    ${(ward || whose) && html`<p class="counts" role="status"><${Shown} n=${n} total=${workOrder.value.length} inside=${fits} onAll=${all} /></p>`}
  </div>`;
}

function Nothing() {
  const { watched, partly, not_watched, no_device } = tally.value;
  if (workOrder.value.some((id) => !fits(alertOf(id)))) return html`<p class="nothing">${t("filter.none")}</p>`;
  const show = () => {
    showOnlyNotWatched();
    go("ward");
  };
  return html`<p class="nothing">
    ${t("list.nothing")} ${t("list.nothing_watched", { watched, partly })}${" "}
    <button class="plain" onClick=${show}><b>${t("strip.not_watched", { n: not_watched + no_device })}</b></button>${" "}
    ${lastAlertAt.value !== null && t("list.last_alert", { time: clock(lastAlertAt.value) })}
    ${" "}${t("list.checked", { time: clock(link.value.lastAt ?? now.value, true) })}
  </p>`;
}

function Loading() {
  return html`<div class="loading" aria-busy="true">
    <p>${t("list.loading")}</p>
    ${[1, 2, 3].map((n) => html`<div class="skeleton" key=${n}></div>`)}
  </div>`;
}

function useListKeys(area) {
  const move = (step) => {
    const rows = [...area.current.querySelectorAll("[role=row]")];
    if (!rows.length) return false;
    const at = rows.indexOf(document.activeElement?.closest?.("[role=row]"));
    rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))].focus();
    return true;
  };
  const rowHere = () => {
    const element = document.activeElement?.closest?.("[role=row]");
    if (!element || document.activeElement !== element) return null;
    const id = element.dataset.patient;
    const lane = element.closest(".technical-lane") ? lanes.technical : lanes.main;
    return lane.rows.peek().find((row) => row.patientId === id) ?? null;
  };
  const enter = () => {
    const row = rowHere();
    if (!row) return false;
    openCard(firstOf(row).id);
    return true;
  };
  const alertHere = () => (rowHere() ? firstOf(rowHere()) : alertOf(route.value.id));
  const take = () => {
    const alert = alertHere();
    if (!alert || !canAcknowledge(alert)) return false;
    if (mayAcknowledgeNow(alert)) acknowledge(alert);
    else openCard(alert.id);
    return true;
  };
  const passOn = (act) => () => {
    const alert = alertHere();
    if (!alert || !rest.value?.canPassOn(act, alert)) return false;
    if (act === "snooze" || mayAcknowledgeNow(alert)) rest.value.openPassOn(act, alert);
    else openCard(alert.id);
    return true;
  };
  const fold = (open) => {
    const row = rowHere();
    if (!row) return false;
    unfold(row.patientId, open);
    return true;
  };
  useKeys({ j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1), Enter: enter, a: take, n: showAll });
  useKeys({ s: passOn("snooze"), e: passOn("escalate"), g: passOn("assign"), ArrowRight: () => fold(true), ArrowLeft: () => fold(false) });
}

function useWindowScroll() {
  useEffect(() => {
    const follow = () => {
      if (scrollY > 0) lanes.main.enter("scroll");
      else lanes.main.leave("scroll");
    };
    addEventListener("scroll", follow, { passive: true });
    return () => {
      removeEventListener("scroll", follow);
      for (const lane of Object.values(lanes)) for (const what of ["pointer", "focus", "scroll"]) lane.leave(what);
    };
  }, []);
}

function useReturnedFocus(area, cardId) {
  useEffect(() => {
    if (cardId || !returnFocus.peek()) return;
    area.current?.querySelector(`[data-patient="${CSS.escape(returnFocus.peek())}"]`)?.focus();
    returnFocus.value = null;
  }, [cardId, loaded.value]);
}

export function WorkList() {
  const area = useRef(null);
  const selected = route.value.id;
  const [, setRead] = useState(""); // draws again when a closed alert has been read
  const chosen = selected ? alertOf(selected) : null;
  useEffect(() => {
    if (selected && loaded.value && !chosen) readAlert(selected).then(() => setRead(selected));
  }, [selected, loaded.value]);
  useListKeys(area);
  useWindowScroll();
  useReturnedFocus(area, selected);
  const close = () => {
    if (chosen) returnFocus.value = chosen.patient_id;
    goBack();
  };
  useKeys({ Escape: () => (selected ? close() : false) });
  if (!loaded.value) return html`<main id="main" tabindex="-1"><h1 class="for-readers">${t("nav.worklist")}</h1><${Loading} /></main>`;
  const { main, technical } = lanes;
  const count = (lane) => lane.rows.value.reduce((sum, row) => sum + row.ids.length, 0);
  return html`<main id="main" tabindex="-1" class=${`work-list ${chosen ? "has-card" : ""}`} ref=${area}>
    <h1 class="for-readers">${t("nav.worklist")}</h1>
    <${Filters} onChoice=${showAll} />
    <section class="lane main-lane">
      <${NewBand} lane=${main} title=${t("list.main", { n: count(main) })} />
      ${orderFailed.value && html`<p class="notice">${t("list.order_failed")}</p>`}
      ${main.rows.value.length ? html`<${Rows} lane=${main} label=${t("list.main", { n: count(main) })} selected=${selected} />` : html`<${Nothing} />`}
    </section>
    <section class="lane technical-lane">
      <${NewBand} lane=${technical} title=${t("list.technical", { n: count(technical) })} />
      ${technical.rows.value.length > 0 &&
      html`<${Rows} lane=${technical} label=${t("list.technical", { n: count(technical) })} selected=${selected} />`}
      ${technical.rows.value.length === 0 && html`<p class="muted nothing">${t(workOrder.value.some((id) => !fits(alertOf(id))) ? "filter.none" : "list.no_technical")}</p>`}
    </section>
    ${chosen && rest.value && html`<aside class="card-side"><${rest.value.AlertCard} key=${chosen.id} alert=${chosen} onClose=${close} /></aside>`}
  </main>`;
}
