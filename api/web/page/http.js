// Requests to the API: who asks, problem details, a time limit on each.
import { credentials, readMe, refused, session } from "./session.js";

/** The server answered, but not with what was asked for. `problem` is its RFC 9457 body. */
export class Refused extends Error {
  constructor(status, problem, wait) {
    super(problem?.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem ?? {};
    this.waitS = Number(wait) || 0;
  }
}

/** No answer: time over or no way to the server. Whether the request arrived is unknown. */
export class NoAnswer extends Error {}

/** null = there is none. One that was cut off, as by a page that is being left, is no answer where all was well. */
async function body(answer) {
  try {
    return await answer.json();
  } catch (error) {
    if (answer.ok && answer.status !== 204) throw error;
    return null;
  }
}

async function send(method, path, json, timeoutMs, open) {
  const headers = open ? {} : credentials(method);
  if (json !== undefined) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(path, {
      method,
      headers,
      body: json === undefined ? undefined : JSON.stringify(json),
      signal: AbortSignal.timeout(timeoutMs),
      cache: "no-store",
    });
    return [answer, await body(answer)];
  } catch (error) {
    throw new NoAnswer(error.name);
  }
}

/** A refusal may come from what this tab does not know yet: locked meanwhile, or logged in anew in another tab. */
async function learned(here) {
  if (!here || here.token) return false;
  await readMe().catch(() => {});
  const then = session.peek();
  return then?.name === here.name && then.csrf !== here.csrf && !then.locked;
}

/** `open`: a request of somebody who is not logged in. `guess`: a 401 is about the password that was given. */
export async function request(method, path, { json, timeoutMs = 10_000, open = false, guess = open } = {}) {
  const here = session.peek();
  let [answer, content] = await send(method, path, json, timeoutMs, open);
  if (answer.status === 403 && !open && (await learned(here))) [answer, content] = await send(method, path, json, timeoutMs, open);
  if (answer.status === 401 && !guess) refused(here);
  if (!answer.ok) throw new Refused(answer.status, content, answer.headers.get("Retry-After"));
  return content;
}

/** Of one patient: his notes, contacts, pauses, values. */
export const ofPatient = (patientId, what) => `api/v1/patients/${encodeURIComponent(patientId)}/${what}`;

export const get = (path, options) => request("GET", path, options);
export const post = (path, json, options) => request("POST", path, { ...options, json });
