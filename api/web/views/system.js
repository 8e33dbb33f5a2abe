// Does the watching work? Every check of the server in words, read anew while the page is open.
import { html, useEffect } from "../page/html.js";
import { clock, duration } from "../page/format.js";
import { useRead } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { detailOf, known, t } from "../page/words.js";
import { Loaded, Office } from "./office.js";

const AGAIN_MS = 10_000;

/** What is wrong first: a page that is read in a hurry. */
const worstFirst = (checks) => [...checks].sort((a, b) => Number(a.ok) - Number(b.ok));

function Check({ check }) {
  const { name, ok } = check;
  const words = known(`check.${name}`) ? t(`check.${name}`) : name;
  return html`<li class=${ok ? "" : "wrong"}>
    <b class="verdict">${t(ok ? "health.ok" : "health.wrong")}</b>
    <span>${words} <bdi class="muted">${detailOf(check)}</bdi></span>
  </li>`;
}

export function System() {
  const [held, again] = useRead("api/v1/health");
  useEffect(() => {
    const timer = setInterval(again, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const { checks = [], server_at, version, clients } = held.body ?? {};
  const wrong = checks.filter((check) => !check.ok).length;
  const age = server_at ? now.value - Date.parse(server_at) : 0;
  return html`<${Office} title=${t("health.title")}>
    <${Loaded} held=${held} again=${again}>
      <p class=${`summary ${wrong ? "wrong" : ""}`}><b>${wrong ? t("health.some_wrong", { n: wrong }) : t("health.all_ok", { n: checks.length })}</b>
        ${" "}${t("list.checked", { time: clock(server_at, true) })}${age > 3 * AGAIN_MS && html` <b>${t("lost.age", { time: duration(age) })}</b>`}</p>
      <ul class="checks">${worstFirst(checks).map((check) => html`<${Check} key=${check.name} check=${check} />`)}</ul>
      <p class="muted">${t("health.about", { version, n: clients })}</p>
    <//>
  <//>`;
}
