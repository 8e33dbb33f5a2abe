// One lane of the work list: which rows are drawn, and when they may move (design page, section 4, "New while reading").
import { effect, signal } from "./html.js";
import { now } from "./server_time.js";
import { alertOf, alerts, workOrder } from "./ward.js";

const AFTER_TOUCH_MS = 3000; // the order stays for 3 s after pointer and focus have left
const IDLE_MS = 60_000; // with no input for 60 s it may move again
const DEAF_MS = 400; // clicks right after a re-order hit something else than was aimed at

/** Open alerts that `accepts`, grouped by patient; a patient stands where his top alert stands. */
function grouped(accepts) {
  const rows = new Map();
  for (const id of workOrder.value) {
    const alert = alerts.get(id)?.value;
    if (!alert || !accepts(alert)) continue;
    if (!rows.has(alert.patient_id)) rows.set(alert.patient_id, { patientId: alert.patient_id, ids: [] });
    rows.get(alert.patient_id).ids.push(id);
  }
  return [...rows.values()];
}

const flat = (rows) => rows.map((row) => `${row.patientId}:${row.ids.join(",")}`).join(";");

export class Lane {
  /** [{patientId, ids}] as drawn */
  rows = signal([]);
  /** alerts that are not drawn yet because the rows must not move */
  waiting = signal({ n: 0, high: 0 });
  /** true for 400 ms after the rows moved: clicks are not taken */
  deaf = signal(false);

  #accepts;
  #inside = new Set(); // "pointer", "focus", "scroll"
  #leftAt = -Infinity;
  #inputAt = -Infinity;
  #deafTimer = null;

  constructor(accepts) {
    this.#accepts = accepts;
  }

  /** Follows the server's order from now on; returns the function that ends it. */
  follow() {
    return effect(() => {
      now.value; // time alone can end a freeze
      this.#settle(grouped(this.#accepts));
    });
  }

  get frozen() {
    const at = performance.now();
    if (at - this.#inputAt > IDLE_MS) return false;
    return this.#inside.size > 0 || at - this.#leftAt < AFTER_TOUCH_MS;
  }

  enter(what) {
    this.#inside.add(what);
    this.input();
  }

  leave(what) {
    if (this.#inside.delete(what)) this.#leftAt = performance.now();
  }

  input() {
    this.#inputAt = performance.now();
  }

  /** Draws what waits, on the nurse's word. */
  show() {
    this.#apply(grouped(this.#accepts));
  }

  #settle(wanted) {
    const drawn = this.rows.peek();
    if (flat(wanted) === flat(drawn)) {
      this.#setWaiting([]);
      return;
    }
    if (drawn.length && this.frozen) {
      const known = new Set(drawn.flatMap((row) => row.ids));
      this.#setWaiting(wanted.flatMap((row) => row.ids).filter((id) => !known.has(id)));
      return;
    }
    this.#apply(wanted);
  }

  #apply(wanted) {
    if (this.rows.peek().length) this.#listenAgainLater();
    this.rows.value = wanted;
    this.#setWaiting([]);
  }

  #listenAgainLater() {
    clearTimeout(this.#deafTimer);
    this.deaf.value = true;
    this.#deafTimer = setTimeout(() => {
      this.deaf.value = false;
    }, DEAF_MS);
  }

  #setWaiting(ids) {
    const high = ids.filter((id) => alertOf(id)?.priority === "high").length;
    const held = this.waiting.peek();
    if (held.n !== ids.length || held.high !== high) this.waiting.value = { n: ids.length, high };
  }
}
