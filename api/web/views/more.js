// The person at this screen, pages for those who keep the system, settings of this screen, and the list of keys.
import { html } from "../page/html.js";
import { prefer, preferences } from "../page/preferences.js";
import { lang, t } from "../page/words.js";
import { may } from "../page/session.js";
import { Account } from "./account.js";
import { PlainGlass } from "./emergency.js";
import { SoundSettings } from "./sounds.js";

const KEYS = [
  ["J K ↓ ↑", "keys.move"],
  ["Enter", "keys.open"],
  ["A", "keys.acknowledge"],
  ["S", "keys.snooze"],
  ["E G", "keys.pass_on"],
  ["M", "keys.note"],
  ["→ ←", "keys.unfold"],
  ["N", "keys.new"],
  ["Esc", "keys.back"],
  ["T", "keys.table"],
  ["/", "keys.search"],
  ["P", "keys.sound"],
  ["F", "keys.flash"],
  ["1 2 3 4", "keys.views"],
  ["?", "keys.help"],
];

export function KeyList() {
  return html`<table class="keys">
    <caption>${t("keys.title")}</caption>
    <tbody>${KEYS.map(([key, words]) => html`<tr key=${words}><th scope="row"><kbd>${key}</kbd></th><td>${t(words)}</td></tr>`)}</tbody>
  </table>`;
}

/** Page -> the right that it takes. */
const PAGES = { rota: "read", policy: "policies", people: "accounts", tokens: "accounts", reviews: "audit", audit: "audit", system: "health" };

/** Only what this person may use is shown. */
function Pages() {
  const mine = Object.keys(PAGES).filter(mayOpen);
  if (!mine.length) return null;
  return html`<section>
    <h2>${t("more.pages")}</h2>
    <ul class="pages">${mine.map((view) => html`<li key=${view}><a href=${`#/${view}`}>${t(`page.${view}`)}</a></li>`)}</ul>
  </section>`;
}

export const mayOpen = (view) => !(view in PAGES) || may(PAGES[view]);

export function More() {
  const { letterKeys, flashing, pseudonyms } = preferences.value;
  const check = (name, checked, words) =>
    html`<label class="choice"><input type="checkbox" checked=${checked} onChange=${(event) => prefer({ [name]: event.target.checked })} />${t(words)}</label>`;
  return html`<main id="main" class="more-view" tabindex="-1">
    <h1>${t("nav.more")}</h1>
    <${Account} />
    <${PlainGlass} />
    <${Pages} />
    <section>
      <h2>${t("more.screen")}</h2>
      <div class="ranges" role="group" aria-label=${t("more.language")}>
        <button lang="en" aria-pressed=${lang.value === "en"} onClick=${() => prefer({ lang: "en" })}>English</button>
        <button lang="zh-Hans" aria-pressed=${lang.value === "zh"} onClick=${() => prefer({ lang: "zh" })}>中文</button>
      </div>
      ${check("flashing", flashing, "more.flashing")} ${check("letterKeys", letterKeys, "more.letter_keys")}
      ${check("pseudonyms", pseudonyms, "more.pseudonyms")}
    </section>
    <${SoundSettings} />
    <section><${KeyList} /></section>
  </main>`;
}
