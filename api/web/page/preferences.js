// Choices of this browser, kept in localStorage: never anything about a patient. `account`: somebody logged in here by account and
// has not logged out, so it is worth asking the server who it is.
import { effect, signal } from "./html.js";
import { PREFERENCES, kept } from "./early.js";

const DEFAULTS = { lang: "", letterKeys: true, flashing: true, board: "tiles", name: "", account: false, volume: 1, pseudonyms: false };

export const preferences = signal({ ...DEFAULTS, ...kept("localStorage", PREFERENCES) });

export function prefer(change) {
  preferences.value = { ...preferences.value, ...change };
}

effect(() => {
  const text = JSON.stringify(preferences.value);
  try {
    localStorage.setItem(PREFERENCES, text);
  } catch {
    // private mode: the choice holds until the tab closes
  }
});
