// Who uses this screen: by account, with a cookie that no script can read, or by access key, with a token that lives in this tab
// only. Neither password nor access key is ever stored.
import { computed, signal } from "./html.js";
import { SESSION, bearer, keptSession } from "./early.js";
import { preferences, prefer } from "./preferences.js";
import { t } from "./words.js";

/** {name, display, role, rights, wards, expiresAt, token, csrf, idleS, locked} or null. `token` null: by cookie. `wards` null: all. */
export const session = signal(keptSession());
/** True when the server refused the session in the middle of work: the log-in then opens over the page. */
export const sessionEnded = signal(false);
/** Does the server have accounts? null = it has not said so yet. */
export const accounts = signal(null);

/** Whose ward is shown. */
export const person = computed(() => {
  const { name, role, wards } = session.value ?? {};
  return session.value && JSON.stringify([name, role, wards]);
});
/** The same, and whether names may be seen: when it changes, views are drawn anew and forget what was typed. */
export const audience = computed(() => `${person.value} ${Boolean(session.value?.locked)}`);
/** The same, by which session: when it changes, the ward is read anew. */
export const viewer = computed(() => {
  const { token, csrf } = session.value ?? {};
  return session.value && JSON.stringify([audience.value, token, csrf]);
});

const WHILE_LOCKED = new Set(["read", "health"]);

export const may = (right) => {
  const { rights = [], locked } = session.value ?? {};
  return rights.includes(right) && (!locked || WHILE_LOCKED.has(right));
};

function keep(value) {
  if (JSON.stringify(value) !== JSON.stringify(session.peek())) session.value = value;
  try {
    if (value?.token) sessionStorage.setItem(SESSION, JSON.stringify(value));
    else sessionStorage.removeItem(SESSION);
  } catch {
    // storage blocked: a token then lasts until the page is left
  }
}

/** Takes what the server says of the session: by cookie, or by this token. */
export function adopt({ name, display, role, rights, wards, expires_at, csrf, idle_s, locked }, token = null) {
  prefer(token ? { name } : { name, account: true });
  keep({ name, display: display || name, role, rights, wards: wards ?? null, expiresAt: expires_at, token, csrf: csrf ?? null, idleS: idle_s, locked: Boolean(locked) });
  sessionEnded.value = false;
}

export function drop() {
  if (session.peek() && !session.peek().token) prefer({ account: false });
  keep(null);
  sessionEnded.value = false;
}

/** The server no longer takes this session. */
export function refused(which) {
  if (session.peek() === which && which) sessionEnded.value = true;
}

/** The headers by which a request is this session's. */
export function credentials(method) {
  const { token, csrf } = session.peek() ?? {};
  if (token) return bearer(token);
  return csrf && method !== "GET" ? { "X-Vigil-CSRF": csrf } : {};
}

/** Asks who this is: after a reload, after a refusal, and when nobody has touched the screen for a while. */
export async function readMe() {
  const asked = session.peek();
  const answer = await fetch("api/v1/me", { headers: credentials("GET"), cache: "no-store", signal: AbortSignal.timeout(10_000) });
  if (answer.status === 401) refused(asked);
  else if (answer.ok && session.peek() === asked) adopt(await answer.json(), asked?.token ?? null);
}

/** Takes the access key printed by `vigil up` out of the address before anything else can keep it. */
export function keyFromAddress() {
  const match = /^#key=(.+)$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return decodeURIComponent(match[1]);
}

export const nameToUse = () => preferences.value.name || t("login.default_name");
