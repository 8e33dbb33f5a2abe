// Was it true, and of any use? Optional, one tap, after somebody has dealt with it.
import { html, useEffect, useState } from "../page/html.js";
import { announce } from "../page/announce.js";
import { canCommand } from "../page/commands.js";
import { clock } from "../page/format.js";
import { post } from "../page/http.js";
import { session } from "../page/session.js";
import { personName } from "../page/staff.js";
import { isOpen } from "../page/ward.js";
import { t } from "../page/words.js";
import { mayAct } from "./acknowledge.js";

const VERDICTS = ["useful", "not_useful", "artefact", "wrong_limit"];

const dealtWith = (alert) => alert.handling === "acknowledged" || !isOpen(alert);

/** `known`: the feedback of the alert as it was last read. */
export function Feedback({ alert, known }) {
  const [given, setGiven] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [sending, setSending] = useState(false);
  useEffect(() => setGiven(null), [known]);
  if (!mayAct() || !dealtWith(alert)) return null;
  const words = (given ?? known)?.items.filter((item) => item.counts) ?? [];
  const mine = words.find((item) => item.person === session.value.name);
  const others = words.filter((item) => item !== mine);
  const give = async (verdict) => {
    setSending(true);
    setTrouble("");
    try {
      setGiven(await post(`api/v1/alerts/${encodeURIComponent(alert.id)}/feedback`, { verdict }, { timeoutMs: 5000 }));
      announce(t("feedback.thanks"), "polite");
    } catch (error) {
      setTrouble(t("feedback.not_stored", { why: error.problem?.detail ?? "" }));
    }
    setSending(false);
  };
  return html`<section class="feedback">
    <h3>${t("feedback.title")}</h3>
    <div class="verdicts" role="group" aria-label=${t("feedback.title")}>
      ${VERDICTS.map(
        (each) => html`<button key=${each} aria-pressed=${mine?.verdict === each} disabled=${sending || !canCommand()} onClick=${() => give(each)}>
          ${t(`verdict.${each}`)}
        </button>`,
      )}
    </div>
    ${others.length > 0 &&
    html`<ul class="muted">
      ${others.map((item) => html`<li key=${item.person}>${t("feedback.said", { who: personName(item.person), what: t(`verdict.${item.verdict}`), time: clock(item.at) })}</li>`)}
    </ul>`}
    ${trouble && html`<p class="outcome refused">${trouble}</p>`}
  </section>`;
}
