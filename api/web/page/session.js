// Who uses this screen. The token lives in this tab only; the access key is never stored.
import { signal } from "./html.js";
import { preferences, prefer } from "./preferences.js";
import { t } from "./words.js";

const KEY = "vigil.session";

function restored() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return kept && Date.parse(kept.expiresAt) > Date.now() ? kept : null;
  } catch {
    return null;
  }
}

/** {token, role, name, expiresAt} or null. */
export const session = signal(restored());
/** True when the server refused a token in the middle of work: the log-in then opens over the page. */
export const sessionEnded = signal(false);

function keep(value) {
  session.value = value;
  try {
    if (value === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(value));
  } catch {
    // storage blocked: the log-in then lasts until the page is left
  }
}

export async function logIn(name, secret, role) {
  const answer = await fetch("api/v1/auth/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ secret, role, name }),
  });
  if (!answer.ok) {
    const error = new Error("log-in refused");
    error.status = answer.status;
    throw error;
  }
  const body = await answer.json();
  prefer({ name: body.name });
  keep({ token: body.access_token, role: body.role, name: body.name, expiresAt: body.expires_at });
  sessionEnded.value = false;
}

export function logOut() {
  keep(null);
  sessionEnded.value = false;
}

/** The server no longer takes this token. */
export function tokenRefused(token) {
  if (session.value?.token === token) sessionEnded.value = true;
}

/** Takes the access key printed by `vigil up` out of the address before anything else can keep it. */
export function keyFromAddress() {
  const match = /^#key=(.+)$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return decodeURIComponent(match[1]);
}

export const nameToUse = () => preferences.value.name || t("login.default_name");
