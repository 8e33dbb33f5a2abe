// What need not wait until the other modules are here, and itself needs none of them: what this browser remembers, the sentences of
// its language, and the ward.
export const PREFERENCES = "vigil.preferences";
export const SESSION = "vigil.session";

/** Null also where storage is blocked or damaged: the page works without it. */
export function kept(storage, key) {
  try {
    return JSON.parse(globalThis[storage].getItem(key));
  } catch {
    return null;
  }
}

/** The session of a token; one by cookie is known to the server only. */
export function keptSession() {
  const held = kept("sessionStorage", SESSION);
  return held && Date.parse(held.expiresAt) > Date.now() ? held : null;
}

const LANGUAGES = ["en", "zh"];

export function languageOf(chosen) {
  if (LANGUAGES.includes(chosen)) return chosen;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The server hands out one language of ../strings.js at a time. */
export const sentences = (language) => import(`../strings.${language}.js`);

/** `headers`: by which the request is a session's. */
export const askStream = (headers, signal) =>
  fetch("api/v1/stream", { headers: { ...headers, Accept: "text/event-stream" }, signal, cache: "no-store", priority: "high" });

export const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/** By cookie the server is asked first who this is. */
function ask() {
  const token = keptSession()?.token;
  const controller = new AbortController();
  if (token) return { token, csrf: null, controller, answer: askStream(bearer(token), controller.signal) };
  if (!kept("localStorage", PREFERENCES)?.account) return null;
  const asked = { token: null, csrf: null, controller, answer: null };
  asked.answer = fetch("api/v1/me", { cache: "no-store", signal: controller.signal })
    .then((answer) => answer.json())
    .then(({ csrf }) => {
      asked.csrf = csrf;
      return csrf && askStream({}, controller.signal);
    });
  return asked;
}

let early = ask();
early?.answer.catch(() => {}); // whoever takes it will see
sentences(languageOf(kept("localStorage", PREFERENCES)?.lang)).catch(() => {});

/**
 * {controller, answer} of the stream, once, if it is that of `session`: else null. By cookie it is when the server says now of which
 * session it is as it did before the stream was asked for: another tab may have logged in meanwhile, and then no session comes back.
 */
export function takeEarly(session) {
  const found = early;
  early = null;
  if (!found) return null;
  if (found.token ? found.token === session?.token : found.csrf && found.csrf === session?.csrf) return found;
  found.controller.abort();
  return null;
}
