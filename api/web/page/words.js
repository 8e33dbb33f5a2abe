// Looks up sentences of the catalogue; a component that calls t() is drawn again when the language changes.
import { computed, effect } from "./html.js";
import { preferences } from "./preferences.js";
import { STRINGS } from "../strings.js";

const LANGUAGES = ["en", "zh"];

export const lang = computed(() => {
  const chosen = preferences.value.lang;
  if (LANGUAGES.includes(chosen)) return chosen;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
});

const plurals = { en: new Intl.PluralRules("en"), zh: new Intl.PluralRules("zh") };

export function t(key, values = {}) {
  const entry = STRINGS[key];
  if (entry === undefined) return key;
  let text = entry[LANGUAGES.indexOf(lang.value)];
  if (typeof text === "object") text = text[plurals[lang.value].select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const known = (key) => key in STRINGS;

effect(() => {
  document.documentElement.lang = lang.value === "zh" ? "zh-Hans" : "en";
});
