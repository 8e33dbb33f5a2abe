// Choices of this browser, kept in localStorage: never anything about a patient. `account`: somebody logged in here by account and
// has not logged out, so it is worth asking the server who it is.
import { effect, signal } from "./html.js";

const KEY = "vigil.preferences";
const DEFAULTS = { lang: "", letterKeys: true, flashing: true, board: "tiles", name: "", account: false, volume: 1, pseudonyms: false };

function stored() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return { ...DEFAULTS }; // storage blocked or damaged: the page works without it
  }
}

export const preferences = signal(stored());

export function prefer(change) {
  preferences.value = { ...preferences.value, ...change };
}

effect(() => {
  const text = JSON.stringify(preferences.value);
  try {
    localStorage.setItem(KEY, text);
  } catch {
    // private mode: the choice holds until the tab closes
  }
});
