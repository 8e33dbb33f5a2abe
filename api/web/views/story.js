// What happened to an alert: measured, received, decided, sent, seen, accepted, and each line of its log with whom it called.
import { html } from "../page/html.js";
import { clock, when } from "../page/format.js";
import { useRead } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { personName } from "../page/staff.js";
import { lang, t, whyOf } from "../page/words.js";
import { NoteWords, written } from "./notes.js";

/** Separate facts with separate times, of the newest decision. What has no time says why. */
const Path = ({ steps }) => html`<dl class="path">
  ${steps.map(({ step, at, why }) => html`<div key=${step}><dt>${t(`path.${step}`)}</dt><dd class=${at ? "" : "muted"}>${at ? clock(at, true) : t(`path.${why}`)}</dd></div>`)}
</dl>`;

/** {state: loading | ready | failed, items, path, notes, feedback}, read again when the alert, a note or a notice changes. */
export function useHistory(alert, notices) {
  const told = notices.map((one) => one.seen_at ?? one.next_at).join(""); // nothing, of those that were sent at once
  const [{ state, body }] = useRead(`api/v1/alerts/${encodeURIComponent(alert.id)}`, `${alert.version} ${written.value} ${told}`);
  return { state, items: body?.history ?? [], path: body?.path ?? [], notes: body?.notes ?? [], feedback: body?.feedback ?? null };
}

/** Folded where the card is one of several; `folded` only says how it starts. */
export function Story({ history: { state, items, path, notes }, folded }) {
  return html`<details class="story" open=${!folded}>
    <summary>${t("card.path")}</summary>
    <${Path} steps=${path} />
    ${state === "failed" && !items.length ? html`<p class="muted">${t("card.history_failed")}</p>` : html`<${Steps} items=${items} notes=${notes} />`}
  </details>`;
}

/** Newest first, what people noted among what happened. */
function Steps({ items, notes }) {
  const lines = [...notes, ...[...items].reverse()].sort((a, b) => (a.at < b.at) - (a.at > b.at));
  return html`<ol class="history">
    ${lines.map((item) =>
      item.kind
        ? html`<li key=${`note${item.id}`}><time>${when(item.at, now.value)}</time> <${NoteWords} note=${item} /></li>`
        : html`<li key=${item.seq ?? `${item.step}${item.at}`}>
        <time>${when(item.at, now.value)}</time> ${t(`step.${item.step}`)} ${item.actor && html`<bdi class="muted">${actor(item.actor)}</bdi>`} <${Hands} item=${item} /> ${noteOf(item)}
        ${item.call && html`<${Called} call=${item.call} />`}
      </li>`,
    )}
  </ol>`;
}

/** What Vigil wrote in the language of the page; what people wrote as they wrote it. */
const noteOf = ({ note, zh }) => (lang.value === "zh" && zh?.note) || note;

/** From whom to whom, of a hand-over. */
const Hands = ({ item }) => item.detail?.from && item.detail.to && html`<bdi>${t("step.hands", { from: personName(item.detail.from), to: personName(item.detail.to) })}</bdi>`;

/** What the line decided about calling somebody. */
const Called = ({ call }) => html`<span class=${`called call-${call.how}`}>${t(`how.${call.how}`)}${call.why && `: ${whyOf(call)}`}</span>`;

const SYSTEM = new Set(["vigil", "system", "analytics"]);
const actor = (name) => (SYSTEM.has(name) ? t("card.by_vigil") : personName(name));
