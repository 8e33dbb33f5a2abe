// What the server has said: patients, alerts and both orders. Nothing here is ever guessed or changed before the server confirms.
import { batch, effect, signal } from "./html.js";
import { get } from "./http.js";
import { preferences } from "./preferences.js";

/** patient id -> signal of its PatientCard */
export const cards = new Map();
/** patient ids in the ward order of the server */
export const wardOrder = signal([]);
/** alert id -> signal of Alert; some ended ones stay, for the rows that still show them */
export const alerts = new Map();
/** ids of open alerts in the work-list order of the server */
export const workOrder = signal([]);
/** patient id -> signal of the ids of its open alerts, in work-list order */
const byPatient = new Map();
export const loaded = signal(false);
/** {watched, partly, paused, not_watched, no_device, total, demo} */
export const tally = signal({ watched: 0, partly: 0, paused: 0, not_watched: 0, no_device: 0, total: 0, demo: 0 });
/** ids of patients whose records somebody has opened in an emergency */
export const openedRecords = signal([]);
/** the newest opening of an alert, server time in ms; null = none known */
export const lastAlertAt = signal(null);
/** alert id -> log-in names of those who have its card open now */
export const looking = signal(new Map());
/** a failed part, named: "" = none */
export const orderFailed = signal(false);

const NONE = [];
const listeners = new Set();

/** Names of the wards that have patients now; read anew as they come and go. */
export const wardNames = () => [...new Set(wardOrder.value.map((id) => cards.get(id)?.peek().ward).filter(Boolean))].sort();

/** Calls back with {step, call, alert, before, actor, at} for each change the stream reports. */
export function onAlert(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const tell = (change) => listeners.forEach((listener) => listener(change));

export const isOpen = (alert) => alert.state !== "resolved" && !alert.resolved_at;
/** Reading what is not there yet must still wake the reader when it comes: then the order that will name it is read. */
const valueOf = (map, id, order) => map.get(id)?.value ?? (order.value, null);
export const cardOf = (id) => valueOf(cards, id, wardOrder);
export const alertOf = (id) => valueOf(alerts, id, workOrder);

function groupOf(patientId) {
  if (!byPatient.has(patientId)) byPatient.set(patientId, signal(NONE));
  return byPatient.get(patientId);
}

export const openAlertsOf = (patientId) => groupOf(patientId).value;

function put(map, id, value) {
  const held = map.get(id);
  if (held) held.value = value;
  else map.set(id, signal(value));
}

/** Unverified critical values are technical by kind but stand among the patients' alerts. */
export const isUnverified = (alert) => alert.kind === "technical" && /^(limit|unverified)\./.test(alert.rule);
export const inMainLane = (alert) => alert.kind === "physiological" || isUnverified(alert);

/** An advisory (a battery that will soon be empty) looks and stands like what is wrong with equipment. */
export const lookOf = ({ kind }) => (kind === "physiological" ? kind : "technical");

function regroup() {
  const groups = new Map();
  for (const id of workOrder.value) {
    const alert = alerts.get(id).peek();
    if (!groups.has(alert.patient_id)) groups.set(alert.patient_id, []);
    groups.get(alert.patient_id).push(id);
  }
  for (const [patientId, ids] of groups) {
    const held = groupOf(patientId);
    if (held.peek().join() !== ids.join()) held.value = ids;
  }
  for (const [patientId, held] of byPatient) if (!groups.has(patientId) && held.peek().length) held.value = [];
}

function setWorkOrder(ids) {
  const open = ids.filter((id) => alerts.has(id) && isOpen(alerts.get(id).peek()));
  if (open.join() !== workOrder.peek().join()) workOrder.value = open;
  regroup();
}

function recount() {
  const counts = { watched: 0, partly: 0, paused: 0, not_watched: 0, no_device: 0, total: cards.size, demo: 0 };
  for (const held of cards.values()) {
    const card = held.peek();
    counts[card.coverage?.state ?? "not_watched"] += 1;
    if (card.demo) counts.demo += 1;
  }
  if (JSON.stringify(counts) !== JSON.stringify(tally.peek())) tally.value = counts;
  const opened = [...cards.keys()].filter((id) => cards.get(id).peek().break_glass?.length);
  if (opened.join() !== openedRecords.peek().join()) openedRecords.value = opened;
}

function noteOpening(alert) {
  const at = Date.parse(alert.opened_at);
  if (!(lastAlertAt.peek() >= at)) lastAlertAt.value = at;
}

/** Where others see the screen ids stand for names. */
const worded = (card) => (preferences.peek().pseudonyms ? { ...card, name: null, born: null } : card);

let hidden = preferences.peek().pseudonyms;
effect(() => {
  const { pseudonyms } = preferences.value;
  if (pseudonyms === hidden) return;
  hidden = pseudonyms;
  if (pseudonyms) hideNames();
  else refreshPatients();
});

function setPatients(items) {
  const present = new Set();
  for (const card of items) {
    present.add(card.id);
    const sparks = card.sparks ?? cards.get(card.id)?.peek().sparks;
    put(cards, card.id, worded({ ...card, sparks }));
  }
  const gone = new Set([...cards.keys()].filter((id) => !present.has(id)));
  for (const id of gone) cards.delete(id);
  wardOrder.value = items.map((card) => card.id);
  recount();
  if (gone.size) leave(gone);
}

/** Who is not shown here any more takes the open alerts along: nobody can say here whether they go on. */
function leave(gone) {
  for (const [id, held] of alerts) if (gone.has(held.peek().patient_id) && isOpen(held.peek())) alerts.delete(id);
  setWorkOrder(workOrder.peek());
}

/** The person at this screen is not known to be there any more: ids stand for names until the next snapshot. */
export function hideNames() {
  batch(() => {
    for (const held of cards.values()) held.value = { ...held.peek(), name: null, born: null };
  });
}

const KEPT_ENDED = 500; // rows that ended stay readable until their list is drawn anew

/** An alert that was open here and is not in the server's whole list any more has ended meanwhile. */
function endMissing(present) {
  for (const [id, held] of alerts) {
    if (present.has(id)) continue;
    if (alerts.size > present.size + KEPT_ENDED) alerts.delete(id);
    else if (isOpen(held.peek())) held.value = { ...held.peek(), state: "resolved" };
  }
}

/**
 * Returns how many open alerts were not known before. `live`: the stream was heard up to now, so such an alert has just opened (a
 * snapshot also comes when the ward changes) and is told like one that came by itself.
 */
export function applySnapshot(data, live) {
  let fresh = [];
  batch(() => {
    setPatients(data.patients);
    if (data.alerts) {
      const before = new Set(workOrder.peek());
      fresh = data.alerts.filter((alert) => !before.has(alert.id));
      const present = new Set(data.alerts.map((alert) => alert.id));
      endMissing(present);
      for (const alert of data.alerts) {
        put(alerts, alert.id, alert);
        noteOpening(alert);
      }
      setWorkOrder(data.alerts.map((alert) => alert.id));
    }
    loaded.value = true;
    applyLooking([]); // told anew after each snapshot
  });
  for (const alert of live ? fresh : []) tell({ step: "opened", call: alert.call, actor: "", at: alert.opened_at, alert, before: null });
  return fresh.length;
}

export function applyTick(data) {
  let unknown = false;
  batch(() => {
    let counts = false;
    for (const [id, change] of Object.entries(data.patients ?? {})) {
      const held = cards.get(id);
      if (!held) {
        unknown = true;
        continue;
      }
      const card = held.peek();
      const vitals = change.vitals ? { ...card.vitals, ...change.vitals } : card.vitals;
      held.value = worded({ ...card, ...change, vitals });
      counts ||= change.coverage !== undefined || change.break_glass !== undefined;
    }
    if (data.order) {
      unknown ||= data.order.some((id) => !cards.has(id)) || data.order.length !== cards.size;
      wardOrder.value = data.order.filter((id) => cards.has(id));
    }
    if (counts) recount();
  });
  if (unknown) refreshPatients();
}

/** Takes one alert as the server states it; an older version than the one held changes nothing. */
export function applyAlert(alert) {
  const before = alerts.get(alert.id)?.peek() ?? null;
  if (before && before.version > alert.version) return before;
  batch(() => {
    // A line that asked for nobody says nothing about the call: what the lines before it decided stands.
    put(alerts, alert.id, { ...alert, call: alert.call ?? before?.call ?? null });
    noteOpening(alert);
    const order = workOrder.peek();
    if (isOpen(alert) && !order.includes(alert.id)) setWorkOrder([...order, alert.id]);
    else if (!isOpen(alert)) setWorkOrder(order);
  });
  return before;
}

export const applyLooking = (items) => {
  looking.value = new Map(items.map(({ alert_id: id, by }) => [id, by]));
};

/** Somebody of another ward has opened this record; the card that comes next says so too. */
export function applyGlass({ patient_id: id, by, until }) {
  const held = cards.get(id);
  const known = held?.peek().break_glass ?? [];
  if (!held || known.some((one) => one.by === by && one.until === until)) return;
  held.value = { ...held.peek(), break_glass: [...known, { by, until }] };
  recount();
}

export function applyAlertEvent(data) {
  const before = applyAlert(data.alert);
  tell({ step: data.step, call: data.alert.call, actor: data.actor, at: data.at, alert: data.alert, before });
  refreshOrder();
}

// The order is the server's: after each change it is read again, at most once a second.
const running = { order: null, patients: null };

function once(name, act) {
  if (running[name]) {
    running[name].again = true;
    return;
  }
  const run = { again: false };
  running[name] = run;
  act().finally(() =>
    setTimeout(() => {
      running[name] = null;
      if (run.again) once(name, act);
    }, 1000),
  );
}

async function readOrder() {
  try {
    const { items } = await get("api/v1/alerts?state=open&limit=1000");
    batch(() => {
      const listed = new Set(items.map((item) => item.id));
      for (const { patient: _patient, ...alert } of items) applyAlert(alert);
      const rest = workOrder.peek().filter((id) => !listed.has(id));
      setWorkOrder([...items.map((item) => item.id), ...rest]);
      orderFailed.value = false;
    });
  } catch {
    orderFailed.value = true; // said on the work list; the alerts themselves came by the stream
  }
}

/** An alert that is not among the open ones: it stays in `alerts` for whoever looks at it. */
export const readAlert = (id) =>
  get(`api/v1/alerts/${encodeURIComponent(id)}`).then(
    ({ history: _history, feedback: _feedback, ...alert }) => applyAlert(alert),
    () => {}, // unknown or not for this person: the list stays as it is
  );

export const refreshOrder = () => once("order", readOrder);

export const refreshPatients = () =>
  once("patients", async () => {
    try {
      const { items } = await get("api/v1/patients");
      batch(() => setPatients(items));
    } catch {
      // the next tick asks again; a lost connection is shown by the stream's own watch
    }
  });

export function forget() {
  batch(() => {
    for (const held of byPatient.values()) held.value = [];
    cards.clear();
    alerts.clear();
    byPatient.clear();
    wardOrder.value = [];
    workOrder.value = [];
    loaded.value = false;
    lastAlertAt.value = null;
    applyLooking([]);
    recount();
  });
}
