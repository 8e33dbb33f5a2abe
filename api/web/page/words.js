// Looks up sentences of the catalogue; a component that calls t() is drawn again when the language changes.
import { computed, effect, signal } from "./html.js";
import { languageOf, sentences } from "./early.js";
import { preferences } from "./preferences.js";

const wanted = computed(() => languageOf(preferences.value.lang));

async function load(language) {
  const { WORDS } = await sentences(language);
  if (language === wanted.peek()) held.value = { language, words: WORDS };
}

const held = signal(null);
await load(wanted.peek());

export const lang = computed(() => held.value.language);

const plurals = { en: new Intl.PluralRules("en"), zh: new Intl.PluralRules("zh") };

export function t(key, values = {}) {
  const { language, words } = held.value;
  let text = words[key];
  if (text === undefined) return key;
  if (typeof text === "object") text = text[plurals[language].select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** What the server says of an alert or a coverage in the language of the page; the server's English where it has no other. */
export const titleOf = (alert) => said(alert).title;
export const textOf = (alert) => said(alert).text;
export const whyOf = (coverage) => said(coverage).why;
export const detailOf = (check) => said(check).detail;
const said = (alert) => (lang.value === "zh" && alert.zh) || alert;

export const known = (key) => key in held.value.words;

effect(() => {
  load(wanted.value).catch(() => {}); // the server is away, which is said elsewhere: the language stays
});

effect(() => {
  document.documentElement.lang = lang.value === "zh" ? "zh-Hans" : "en";
});
