// Requests to the API: bearer token, problem details, a time limit on each.
import { session, tokenRefused } from "./session.js";

/** The server answered, but not with what was asked for. `problem` is its RFC 9457 body. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem ?? {};
  }
}

/** No answer: time over or no way to the server. Whether the request arrived is unknown. */
export class NoAnswer extends Error {}

async function body(answer) {
  try {
    return await answer.json();
  } catch {
    return null;
  }
}

export async function request(method, path, { json, timeoutMs = 10_000 } = {}) {
  const token = session.value?.token;
  const headers = { Authorization: `Bearer ${token}` };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  let content;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: json === undefined ? undefined : JSON.stringify(json),
      signal: AbortSignal.timeout(timeoutMs),
      cache: "no-store",
    });
    content = await body(answer);
  } catch (error) {
    throw new NoAnswer(error.name);
  }
  if (answer.status === 401) tokenRefused(token);
  if (!answer.ok) throw new Refused(answer.status, content);
  return content;
}

export const get = (path, options) => request("GET", path, options);
export const post = (path, json, options) => request("POST", path, { ...options, json });
