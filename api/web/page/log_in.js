// Getting in and out. Other tabs of this browser share the cookie, so they are told when it changes hands.
import { takeEarly } from "./early.js";
import { NoAnswer, request } from "./http.js";
import { signal } from "./html.js";
import { preferences } from "./preferences.js";
import { accounts, adopt, drop, readMe, session } from "./session.js";

const RETRY_MS = 2000;
/** Is it known by now who uses this screen? */
export const opened = signal(false);
const tabs = new BroadcastChannel("vigil.session");

tabs.onmessage = () => {
  if (session.peek()?.token) return; // a token is this tab's own
  readMe().catch(() => {}); // the next request that is refused asks again
};

const tell = () => tabs.postMessage("changed");

/** A session of this browser that is still good, somebody else's or this one's, ends with the new log-in. */
async function byPassword(json) {
  const ask = () => request("POST", "api/v1/auth/session", { json, guess: true });
  try {
    return await ask();
  } catch (error) {
    if (error.status !== 403) throw error;
    await readMe(); // tells the code that goes with its cookie
    return ask();
  }
}

/** With a name and a password, or with the access key of an installation that has no accounts yet. */
export async function logIn(name, secret, role) {
  if (accounts.peek()) {
    adopt(await byPassword({ name, password: secret }));
    tell();
    return;
  }
  const { access_token: token, ...who } = await request("POST", "api/v1/auth/token", { json: { secret, role, name }, open: true });
  adopt({ ...who, rights: [] }, token);
  await readMe();
}

/** The page is left in any case; a server that cannot be reached ends the session by its own time. */
export async function logOut() {
  const here = session.peek();
  try {
    if (here && !here.token) await request("DELETE", "api/v1/auth/session");
  } catch (error) {
    if (error instanceof NoAnswer) throw error; // the cookie is still good: it must not look as if it were not
  }
  drop();
  tell();
}

/** A command that takes the password: a 401 may be about it, or about a session that has ended meanwhile. */
async function withPassword(path, json) {
  try {
    return await request("POST", path, { json, guess: true });
  } catch (error) {
    if (error.status === 401) await readMe().catch(() => {}); // a session that has ended is said by the log-in that opens
    throw error;
  }
}

/** Names are hidden from now on, and the password opens it again. */
export async function lock() {
  await request("POST", "api/v1/auth/lock");
  await readMe();
  tell();
}

export async function unlock(password) {
  adopt(await withPassword("api/v1/auth/unlock", { password }));
  tell();
}

/** The other sessions of this person end; this one goes on. */
export async function changePassword(old, fresh) {
  await withPassword("api/v1/auth/password", { old, new: fresh });
  await readMe();
}

/** The server was asked and has not answered yet. */
export const silent = signal(false);

/** Asks until the server has said whether it has accounts. */
export async function askDoor() {
  for (;;) {
    try {
      accounts.value = (await request("GET", "api/v1/auth", { open: true })).accounts;
      silent.value = false;
      return;
    } catch {
      silent.value = true;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Is this browser logged in by an account? A token of this tab is tried first. */
export async function openSession() {
  const known = session.peek() || preferences.peek().account;
  await Promise.all([askDoor(), known && readMe().catch(() => {})]); // without an answer: the log-in is shown, or the stream says so
  if (!session.peek()) takeEarly(null);
  opened.value = true;
}
