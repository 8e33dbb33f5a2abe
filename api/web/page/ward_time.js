// Times by the wall clock of a ward, which need not be that of this screen.
import { lang } from "./words.js";

const formats = new Map();

function parts(zone, at) {
  if (!formats.has(zone)) {
    const fields = { year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit" };
    formats.set(zone, new Intl.DateTimeFormat("en-GB", { ...fields, hourCycle: "h23", timeZone: zone }));
  }
  return Object.fromEntries(formats.get(zone).formatToParts(new Date(at)).map(({ type, value }) => [type, value]));
}

export function wardDay(zone, at) {
  if (lang.value === "zh") return new Intl.DateTimeFormat("zh-CN", { dateStyle: "long", timeZone: zone }).format(new Date(at));
  const { day, month, year } = parts(zone, at);
  return `${day}-${month}-${year}`;
}

/** Time of day; with the date in front when it is another day than that of `today`. */
export function wardTime(zone, at, today) {
  const { hour, minute } = parts(zone, at);
  const day = wardDay(zone, at);
  return day === wardDay(zone, today) ? `${hour}:${minute}` : `${day} ${hour}:${minute}`;
}
