// Sound: what is said when there is none, the pause, and the settings of this screen.
import { html, useEffect, useState } from "../page/html.js";
import { announce } from "../page/announce.js";
import { clock, countdown } from "../page/format.js";
import { prefer, preferences } from "../page/preferences.js";
import { now, serverNow } from "../page/server_time.js";
import { audible, called, pausedUntil, ringing, switchOn, togglePause, tryOut } from "../page/sounds.js";
import { t } from "../page/words.js";

export function SoundBar() {
  const off = called.value && audible.value === false;
  useEffect(() => {
    if (off) announce(t("sound.off"), "polite");
  }, [off]);
  return off && html`<button class="bar sound-off" onClick=${switchOn}>${t("sound.off")}</button>`;
}

/** In the strip, so that nothing moves when it comes and goes. */
export function SoundState() {
  now.value; // counts down
  const until = pausedUntil.value;
  if (!called.value || !audible.value || (until === null && !ringing.value)) return null;
  const left = until - performance.now();
  const words = until === null ? t("sound.pause") : t("sound.paused", { time: clock(serverNow() + left, true) });
  return html`<button class=${`sound-state ${until === null ? "" : "paused"}`} onClick=${togglePause}>
    <b aria-hidden="true">♪</b> <span class="wide">${words}</span> ${until !== null && countdown(left)}
  </button>`;
}

function Notices() {
  const [may, setMay] = useState(globalThis.Notification?.permission);
  const ask = () => Notification.requestPermission().then(setMay);
  if (may === "default") return html`<div class="acts"><button onClick=${ask}>${t("notice.ask")}</button></div>`;
  return html`<p>${t(may === "granted" ? "notice.on" : "notice.off")}</p>`;
}

export function SoundSettings() {
  if (!called.value) return null;
  const choose = (event) => {
    prefer({ volume: Number(event.target.value) });
    tryOut();
  };
  return html`<section>
    <h2>${t("sound.title")}</h2>
    <label>${t("sound.volume")}<input type="range" min="0.25" max="1" step="0.25" value=${preferences.value.volume} onChange=${choose} /></label>
    <div class="acts"><button onClick=${tryOut}>${t("sound.test")}</button></div>
    <p class="muted">${t("sound.silent")}</p>
    <${Notices} />
  </section>`;
}
