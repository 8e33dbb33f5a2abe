// Starts the page: session, stream, views.
import { batch, effect, html, render, signal, useEffect, useRef } from "./page/html.js";
import { announce, announceAlerts, watchFaults } from "./page/announce.js";
import { watchAway } from "./page/away.js";
import { waits } from "./page/calls.js";
import { repeatAfterLogIn } from "./page/commands.js";
import { clock } from "./page/format.js";
import { useKeys } from "./page/keyboard.js";
import { prefer, preferences } from "./page/preferences.js";
import { go, route, settleAt } from "./page/route.js";
import { afterPicture, door, readDoor, readRest, rest } from "./page/rest.js";
import { watchIdle } from "./page/idle.js";
import { openSession, opened, silent } from "./page/log_in.js";
import { audience, drop, keyFromAddress, session, sessionEnded } from "./page/session.js";
import { startSounds, togglePause } from "./page/sounds.js";
import { link, startStream } from "./page/stream.js";
import { alertOf, loaded, workOrder } from "./page/ward.js";
import { t } from "./page/words.js";
import { UndoToast } from "./views/acknowledge.js";
import { SoundBar } from "./views/sounds.js";
import { Bars, MainBar, Notices, Strip, useTitle } from "./views/strip.js";
import { WardBoard } from "./views/ward_board.js";
import { WorkList, followLanes } from "./views/work_list.js";

const address = signal(keyFromAddress());
const keysShown = signal(false);

addEventListener("hashchange", () => {
  const key = keyFromAddress();
  if (!key || (session.peek() && !session.peek().token)) return; // an account is not left for a key
  batch(() => {
    drop();
    address.value = key;
  });
});

const FIRST = { worklist: WorkList, ward: WardBoard };

/** An address that is not of the first look, until the other views are here. */
function Coming() {
  useEffect(() => {
    readRest();
  }, []);
  return html`<main id="main" tabindex="-1"><p>${t("list.loading")}</p></main>`;
}

/** Undefined where there is none. */
const viewOf = (name) => FIRST[name] ?? (rest.value ? rest.value.viewOf(name) : name && Coming);

/** Work list while anything waits for somebody, else the ward. */
function chooseStart() {
  if (!loaded.value || viewOf(route.value.view)) return;
  const some = workOrder.value.some((id) => waits(alertOf(id)));
  settleAt(some ? "worklist" : "ward");
}

function useHonesty() {
  const { state, lostAt } = link.value;
  useEffect(() => {
    document.documentElement.dataset.live = state === "live" ? "yes" : "no";
    if (state === "lost") announce(t("lost.bar", { time: clock(lostAt, true) }), "assertive");
  }, [state]);
}

function useFlashing() {
  const { flashing } = preferences.value;
  useEffect(() => {
    document.documentElement.dataset.flashing = flashing ? "yes" : "no";
  }, [flashing]);
}

function KeyDialog() {
  const dialog = useRef(null);
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  const close = () => {
    keysShown.value = false;
  };
  return html`<dialog ref=${dialog} onClose=${close} aria-label=${t("keys.title")}>
    <${rest.value.KeyList} />
    <form method="dialog"><button class="main">${t("card.close")}</button></form>
  </dialog>`;
}

/** How much of the window the strip and the bars cover, for what sticks below them. */
function useTopHeight() {
  const top = useRef(null);
  useEffect(() => {
    const observer = new ResizeObserver(() => document.documentElement.style.setProperty("--top-height", `${top.current.offsetHeight}px`));
    observer.observe(top.current);
    return () => observer.disconnect();
  }, []);
  return top;
}

function Dialogs() {
  const { PassOnDialog, GlassDialog, LogInAgain } = rest.value;
  return html`${!session.value.locked && html`<${PassOnDialog} /><${GlassDialog} />`}
    ${sessionEnded.value && html`<${LogInAgain} />`} ${keysShown.value && html`<${KeyDialog} />`}`;
}

function Station() {
  useTitle();
  useHonesty();
  useFlashing();
  const top = useTopHeight();
  useKeys({
    1: () => go("worklist"),
    2: () => go("ward"),
    3: () => go("handover"),
    4: () => go("more"),
    p: togglePause,
    f: () => prefer({ flashing: !preferences.value.flashing }),
    "?": () => {
      keysShown.value = true;
    },
  });
  useEffect(chooseStart);
  loaded.value; // chooses the start view as soon as the ward is known
  const { view } = route.value;
  const View = viewOf(view) || WorkList;
  const skip = (event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>${t("nav.skip")}</a>
    <header class="top" ref=${top}><${Strip} /><${SoundBar} /><${Bars} /></header>
    <${MainBar} />
    <${Notices} />
    <${View} key=${audience.value} />
    <${UndoToast} />
    ${rest.value && html`<${Dialogs} />`}`;
}

function App() {
  if (session.value) return html`<${Station} />`;
  if (door.value) return html`<${door.value.LogInPage} key=${address.value} address=${address.value} />`;
  return silent.value && html`<main class="log-in" id="main"><p role="status">${t("login.no_answer")}</p></main>`;
}

// All badges flash on one clock: every flash animation starts at the document's time zero.
document.addEventListener("animationstart", (event) => {
  for (const animation of event.target.getAnimations()) animation.startTime = 0;
});

/** For later: now it would only take time from the first look. */
function prepare() {
  readRest();
  navigator.serviceWorker?.register("service_worker.js").catch(() => {}); // the page works without, but says nothing when it is opened offline
}

watchFaults();
announceAlerts();
followLanes();
repeatAfterLogIn();
startStream();
effect(() => {
  if (!session.value && (opened.value || silent.value || !preferences.peek().account)) readDoor();
});
effect(() => {
  if (loaded.value || sessionEnded.value || (opened.value && !session.value)) afterPicture(prepare);
});
startSounds();
watchIdle();
watchAway();
openSession();
render(html`<${App} />`, document.getElementById("app"));
