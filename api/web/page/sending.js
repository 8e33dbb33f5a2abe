// Forms and buttons that change something on the server: one command at a time, and a sentence on what became of it.
import { useEffect, useState } from "./html.js";
import { announce } from "./announce.js";
import { NoAnswer, Refused, get } from "./http.js";
import { jumps } from "./server_time.js";
import { session } from "./session.js";
import { t } from "./words.js";

/** Why it was not done. No answer leaves open whether it was. */
export function troubleWords(error, unconfirmed = "entry.unconfirmed") {
  if (error instanceof NoAnswer || error.status >= 500) return t(unconfirmed);
  if (!(error instanceof Refused)) throw error;
  if (error.status === 401) return t("entry.session");
  if (error.status === 403) return t(session.value?.locked ? "lock.not_stored" : "ack.forbidden");
  const reasons = (error.problem.errors ?? []).map((each) => each.message);
  return t("entry.refused", { why: reasons.join("; ") || error.problem.detail || error.message });
}

/**
 * [{phase: idle | sending | confirmed | refused, text}, run]. `run(act, done, words)`: `done(answer)` gives the sentence of
 * success, `words(error)` that of a failure; resolves to the answer, or to undefined when it failed.
 */
export function useSending() {
  const [outcome, setOutcome] = useState({ phase: "idle", text: "" });
  const run = async (act, done, words = troubleWords) => {
    setOutcome({ phase: "sending", text: t("ack.sending") });
    try {
      const answer = (await act()) ?? null;
      const text = done(answer);
      setOutcome({ phase: "confirmed", text });
      announce(text, "polite");
      return answer;
    } catch (error) {
      const text = words(error);
      setOutcome({ phase: "refused", text });
      announce(text, "assertive");
      return undefined;
    }
  };
  return [outcome, run];
}

/** [{state: loading | ready | failed, body}, again]: what a GET says, read anew when `path` or `version` changes, when the server's clock jumps, and by `again`. */
export function useRead(path, version = 0) {
  const [held, setHeld] = useState({ state: "loading", body: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let current = true;
    const put = (value) => current && setHeld(value);
    get(path).then(
      (body) => put({ state: "ready", body }),
      () => put((before) => ({ ...before, state: "failed" })), // what was read before stays, and is said to be old
    );
    return () => {
      current = false;
    };
  }, [path, version, round, jumps.value]);
  return [held, () => setRound((n) => n + 1)];
}
