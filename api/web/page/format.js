// Numbers, ages and times as text. Times are shown in the zone of this screen, 24 hours, never with a month as a number.
import { lang, t } from "./words.js";

const two = (n) => String(n).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const asDate = (at) => new Date(typeof at === "string" ? Date.parse(at) : at);

export function clock(at, seconds = false) {
  const d = asDate(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}${seconds ? `:${two(d.getSeconds())}` : ""}`;
}

export function day(at) {
  const d = asDate(at);
  if (lang.value === "zh") return `${d.getFullYear()}年${d.getMonth() + 1}月${d.getDate()}日`;
  return `${two(d.getDate())}-${MONTHS[d.getMonth()]}-${d.getFullYear()}`;
}

/** A day without its year, for the axis of a chart. */
export const dayOfMonth = (at) => (lang.value === "zh" ? day(at).slice(5) : day(at).slice(0, 6));

/** Time of day, with the date in front when it is not today (by the server's clock). */
export function when(at, nowMs, seconds = false) {
  const same = asDate(at).toDateString() === asDate(nowMs).toDateString();
  return same ? clock(at, seconds) : `${day(at)} ${clock(at, seconds)}`;
}

/** A score by its bounds: one number where they are the same. */
export const boundsText = ({ lower, upper }) => (lower === upper ? String(lower) : `${lower}–${upper}`);

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONDAY = Date.UTC(2024, 0, 1);

/** When a limit holds, as the server says it ("22:00 to 07:00 fri, sat"; "" = always), in the language of the page. */
export function timesOfDay(words) {
  const [, from, to, days = ""] = /^(\S+) to (\S+) ?(.*)$/.exec(words) ?? [];
  if (!from) return words;
  const short = new Intl.DateTimeFormat(lang.value === "zh" ? "zh" : "en-GB", { weekday: "short", timeZone: "UTC" });
  const named = days.split(", ").filter(Boolean).map((each) => short.format(MONDAY + DAYS.indexOf(each) * 86_400_000));
  return [t("chart.times", { from, to }), named.join(t("list.comma"))].filter(Boolean).join(" ");
}

/** A calendar day such as a birth date; no zone is applied to it. */
export function calendar(iso) {
  const [year, month, dayOfMonth] = iso.split("-").map(Number);
  if (lang.value === "zh") return `${year}年${month}月${dayOfMonth}日`;
  return `${two(dayOfMonth)}-${MONTHS[month - 1]}-${year}`;
}

/** Of before the server's clock was set back: how old it is, nobody knows. A time service moves a clock by less (decision 0065). */
export const isAhead = (ms) => ms < -60_000;

/** Short age: 12s, 38min, 3h, 2d. Rounds down; never negative. */
export function age(ms) {
  if (isAhead(ms)) return "?";
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}min`;
  if (s < 172800) return `${Math.floor(s / 3600)}h`;
  return `${Math.floor(s / 86400)}d`;
}

/** Longer wording of a duration, for sentences. */
export function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return t("duration.s", { n: s });
  if (s < 3600) return t("duration.min", { n: Math.floor(s / 60) });
  if (s < 172800) return t("duration.h", { n: Math.floor(s / 3600) });
  return t("duration.d", { n: Math.floor(s / 86400) });
}

/** Count-down m:ss; 0:00 when it is over; in words while it is more than an hour. */
export function countdown(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000));
  if (s > 3600) return duration(ms);
  return `${Math.floor(s / 60)}:${two(s % 60)}`;
}

const zoned = new Intl.DateTimeFormat("en", { timeZoneName: "short" });

export const zone = () => zoned.formatToParts(new Date()).find((p) => p.type === "timeZoneName").value;

export const number = (value, digits) => (typeof value === "number" ? value.toFixed(digits) : String(value));
