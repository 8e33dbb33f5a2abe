// Settings of this screen and the list of keys.
import { html } from "../page/html.js";
import { prefer, preferences } from "../page/preferences.js";
import { lang, t } from "../page/words.js";
import { logOut } from "../page/session.js";

const KEYS = [
  ["J K ↓ ↑", "keys.move"],
  ["Enter", "keys.open"],
  ["A", "keys.acknowledge"],
  ["S", "keys.snooze"],
  ["→ ←", "keys.unfold"],
  ["N", "keys.new"],
  ["Esc", "keys.back"],
  ["T", "keys.table"],
  ["/", "keys.search"],
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

export function More() {
  const { letterKeys, flashing } = preferences.value;
  const check = (name, checked, words) =>
    html`<label class="choice"><input type="checkbox" checked=${checked} onChange=${(event) => prefer({ [name]: event.target.checked })} />${t(words)}</label>`;
  return html`<main id="main" class="more-view" tabindex="-1">
    <h1>${t("nav.more")}</h1>
    <section>
      <h2>${t("more.screen")}</h2>
      <div class="ranges" role="group" aria-label=${t("more.language")}>
        <button lang="en" aria-pressed=${lang.value === "en"} onClick=${() => prefer({ lang: "en" })}>English</button>
        <button lang="zh-Hans" aria-pressed=${lang.value === "zh"} onClick=${() => prefer({ lang: "zh" })}>中文</button>
      </div>
      ${check("flashing", flashing, "more.flashing")} ${check("letterKeys", letterKeys, "more.letter_keys")}
      <button onClick=${logOut}>${t("more.log_out")}</button>
    </section>
    <section><${KeyList} /></section>
  </main>`;
}
