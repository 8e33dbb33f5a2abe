// What a screen reader is told. Assertive at most once in 5 s, merged; the same text never twice in a row.
import { onAlert, cardOf } from "./ward.js";
import { t, titleOf } from "./words.js";

const PAUSE_MS = 5000;
const waiting = [];
const last = { assertive: "", polite: "" };
let quietUntil = 0;
let timer = null;

function write(kind, text) {
  if (text === last[kind]) return;
  last[kind] = text;
  document.getElementById(`live-${kind}`).textContent = text;
}

function flush() {
  timer = null;
  if (!waiting.length) return;
  quietUntil = performance.now() + PAUSE_MS;
  const high = waiting.filter((item) => item.high);
  const rest = waiting.filter((item) => !item.high).map((item) => item.text);
  if (high.length > 1) rest.unshift(`${t("say.new_high", { n: high.length })} ${high.map((item) => item.short).join(" ")}`);
  else if (high.length === 1) rest.unshift(high[0].text);
  waiting.length = 0;
  write("assertive", rest.join(" "));
}

function enqueue(item) {
  if (waiting.some((other) => other.text === item.text)) return;
  waiting.push(item);
  timer ??= setTimeout(flush, Math.max(0, quietUntil - performance.now()));
}

/** Takes back what was said or waits to be said: names may be in it. */
export function hush() {
  waiting.length = 0;
  for (const kind of Object.keys(last)) write(kind, "");
}

export function announce(text, kind) {
  if (kind === "polite") write("polite", text);
  else enqueue({ text, high: false });
}

function spokenName(patientId) {
  const name = cardOf(patientId)?.name;
  return name ? `${name.family} ${name.given}` : patientId;
}

/** Said aloud: what interrupts somebody, and what a colleague gives back. */
export const loud = (step, call) => call?.how === "now" || step === "returned";

const NAME_MS = 1500; // a person who was admitted this very second is known with one of the next ticks
const NAME_TRIES = 3; // then the id is said: late words are worse than odd ones

function say(alert) {
  const values = { priority: t(`priority.${alert.priority}`), who: spokenName(alert.patient_id), what: titleOf(alert) };
  const text = t("say.alert", values);
  if (alert.priority === "high" && !alert.retrospective) enqueue({ text, high: true, short: `${values.who}, ${values.what}.` });
  else if (alert.priority === "medium") write("polite", text);
}

function sayNamed(alert, tries) {
  if (tries && !cardOf(alert.patient_id)) setTimeout(sayNamed, NAME_MS, alert, tries - 1);
  else say(alert);
}

export function announceAlerts() {
  onAlert(({ step, call, alert }) => {
    if (!loud(step, call) || alert.handling !== "unacknowledged") return;
    sayNamed(alert, NAME_TRIES);
  });
}

/** A part of the page that has failed must not look like one that works: said above all else, without the parts that draw the page. Of
 * the page's own errors; what a browser reports without one (a layout that was not settled) is none. */
export function watchFaults() {
  addEventListener("error", ({ error }) => {
    if (!error || document.querySelector(".bar.fault")) return;
    const bar = document.createElement("div");
    bar.className = "bar lost fault";
    bar.setAttribute("role", "alert");
    const again = document.createElement("button");
    again.textContent = t("fault.reload");
    again.addEventListener("click", () => location.reload());
    bar.append(t("fault.bar"), " ", again);
    document.body.prepend(bar);
  });
}
