// A claim code for a device that is to fetch its account: as text and as a picture, on this screen and nowhere else.
import { html, useEffect, useRef, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { clock } from "../page/format.js";
import { post } from "../page/http.js";
import { useSending } from "../page/sending.js";
import { t } from "../page/words.js";
import { Said } from "./office.js";

/** The server draws it; it comes in as a document of its own, never as markup of the page. */
function Picture({ svg }) {
  const place = useRef(null);
  useEffect(() => {
    const { documentElement: drawn } = new DOMParser().parseFromString(svg, "image/svg+xml");
    place.current.replaceChildren(document.importNode(drawn, true));
  }, [svg]);
  return html`<div class="qr" role="img" aria-label=${t("claim.qr")} ref=${place}></div>`;
}

export function Claim({ deviceId }) {
  const [made, setMade] = useState(null);
  const [outcome, run] = useSending();
  const make = async () => {
    const done = ({ expires_at: end }) => t("claim.made", { time: clock(end) });
    setMade((await run(() => post(`api/v1/devices/${encodeURIComponent(deviceId)}/claim`, {}), done)) ?? null);
  };
  return html`<div class="claim">
    <button disabled=${outcome.phase === "sending" || !canCommand()} onClick=${make}>${t("claim.make")}</button>
    ${made && html`<p><code>${made.code}</code></p><${Picture} svg=${made.qr} />`}
    <${Said} outcome=${outcome} />
  </div>`;
}
