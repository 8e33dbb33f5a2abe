// What would other limits have called for? Limits of a patient or ward, a trial on the last days beside them, saved with a reason.
import { html, signal, useEffect, useMemo, useRef, useState } from "../page/html.js";
import { canCommand } from "../page/commands.js";
import { day, when } from "../page/format.js";
import { readSeries } from "../page/history.js";
import { ofPatient, post, request } from "../page/http.js";
import { Name, partName, plainName } from "../page/parts.js";
import { route } from "../page/route.js";
import { troubleWords, useRead, useSending } from "../page/sending.js";
import { now } from "../page/server_time.js";
import { personName } from "../page/staff.js";
import { chartOf, unitOf, vitalOfAlert } from "../page/vitals.js";
import { cardOf, wardNames } from "../page/ward.js";
import { known, t } from "../page/words.js";
import { Chart, modelOf, useWidth } from "./charts.js";
import { Loaded, Office, Said } from "./office.js";

const DAYS = 7;
const LOOK_MS = 1000;
const AROUND_MS = 7_200_000; // of a chart, before and after the alert
const WARD = "ward:";
const FIELDS = ["limit", "delay_s", "severe"];

const pathOf = (id) =>
  id.startsWith(WARD) ? `api/v1/policies/wards/${encodeURIComponent(id.slice(WARD.length))}` : `api/v1/policies/patients/${encodeURIComponent(id)}`;
const nameOf = (rule) => ["limit", rule.vital, rule.side].join(".");
const sideOf = (rule) => `${partName(rule.vital)} ${t(`side.${rule.side}`)}`;

/** What it is about, before its name in the policy. */
function ruleWords(rule) {
  const words = rule.split(".");
  const spoken = (key) => words.map(key).filter(known).map((each) => t(each)).join(" ");
  const subject = [spoken((word) => `vital.${word}`), spoken((word) => `side.${word}`)].filter(Boolean).join(" ");
  return html`${[subject, spoken((word) => `rule.${word}`)].filter(Boolean).join(t("list.comma"))} <bdi class="muted">${rule}</bdi>`;
}

/** Who set a limit, and for whom. */
function setBy(policy, rule) {
  const { scope, author, at } = policy.sources[`${nameOf(rule)}.limit`] ?? {};
  if (!at) return t("lab.starting");
  return html`<bdi>${personName(author)}</bdi>, ${t(`scope.${scope}`)}, ${when(at, now.value)}`;
}

/** Only what differs from what is in force, as the server takes it. */
function changesIn(policy, edits) {
  return policy.limits.flatMap((rule) => {
    const own = Object.entries(edits[nameOf(rule)] ?? {}).filter(([field, value]) => value !== rule[field]);
    return own.length ? [{ vital: rule.vital, side: rule.side, ...Object.fromEntries(own) }] : [];
  });
}

/** What is being typed stays, however often the page is drawn meanwhile. */
function Figure({ value, required, label, onPut }) {
  const [typed, setTyped] = useState(null);
  const put = ({ target }) => {
    setTyped(null);
    onPut(target.value);
  };
  return html`<input type="number" step="any" required=${required} value=${typed ?? value} aria-label=${label} onInput=${({ target }) => setTyped(target.value)} onChange=${put} />`;
}

function Limits({ policy, edits, onEdit }) {
  const cell = (rule, field) => {
    const put = (value) => onEdit(rule, field, value === "" ? (field === "severe" ? null : rule[field]) : Number(value));
    const { [field]: value = rule[field] } = edits[nameOf(rule)] ?? {};
    return html`<td key=${field}><${Figure} value=${value ?? ""} required=${field !== "severe"} label=${`${sideOf(rule)}: ${t(`lab.${field}`)}`} onPut=${put} /></td>`;
  };
  const on = (rule) => edits[nameOf(rule)]?.enabled ?? rule.enabled;
  return html`<div class="table-scroll" role="region" tabindex="0" aria-label=${t("lab.limits")}>
    <table class="lab-limits">
      <caption>${t("lab.limits")}</caption>
      <thead><tr><th scope="col">${t("lab.on")}</th><th scope="col">${t("col.vital")}</th>${FIELDS.map((field) => html`<th scope="col" key=${field}>${t(`lab.${field}`)}</th>`)}<th scope="col">${t("lab.by")}</th></tr></thead>
      <tbody>${policy.limits.map(
        (rule) => html`<tr key=${nameOf(rule)} data-rule=${nameOf(rule)}>
          <td><input type="checkbox" checked=${on(rule)} aria-label=${`${sideOf(rule)}: ${t("lab.on")}`} onChange=${({ target }) => onEdit(rule, "enabled", target.checked)} /></td>
          <th scope="row">${sideOf(rule)} <span class="unit">${unitOf(rule.vital)}</span></th>
          ${FIELDS.map((field) => cell(rule, field))}
          <td class="muted">${setBy(policy, rule)}</td>
        </tr>`,
      )}</tbody>
    </table>
  </div>`;
}

export function Sides({ result: { before, after } }) {
  const row = (words, of) => html`<tr><th scope="row">${words}</th><td class="figure">${of(before) ?? "—"}</td><td class="figure">${of(after) ?? "—"}</td></tr>`;
  const rules = [...new Set([...Object.keys(before.alerts_by_rule), ...Object.keys(after.alerts_by_rule)])].sort();
  return html`<table class="lab-sides">
    <thead><tr><td></td><th scope="col">${t("lab.before")}</th><th scope="col">${t("lab.after")}</th></tr></thead>
    <tbody>
      ${["high", "medium", "low"].map((each) => row(t(`priority.${each}`), (side) => side.alerts[each]))}
      ${row(t("lab.calls"), (side) => side.interruptions)} ${row(t("lab.rate"), (side) => side.interruptions_per_nurse_hour?.toFixed(2))}
      ${rules.map((rule) => row(ruleWords(rule), (side) => side.alerts_by_rule[rule] ?? 0))}
    </tbody>
  </table>`;
}

/** The values around an alert, so that somebody can judge whether it was worth a call. */
function Moment({ change, at }) {
  const host = useRef(null);
  const width = useWidth(host);
  const cursor = useMemo(() => signal(null), []);
  const vital = chartOf(vitalOfAlert(change));
  const [from, to] = [at - AROUND_MS, at + AROUND_MS];
  const span = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
  const names = (vital === "bp" ? ["bp_sys", "bp_dia"] : [vital]).map((each) => `vital=${each}`).join("&");
  const [held, again] = useRead(ofPatient(change.patient_id, vital === "score" ? `scores?${span}&limit=2000` : `vitals?${names}&${span}&points=480`));
  const { body } = held;
  const history = body && { scores: body.items ?? [], series: vital === "score" ? {} : readSeries(body), limits: [] };
  const marks = [{ from: at, priority: (change.before ?? change.after).priority }];
  const model = useMemo(() => history && modelOf(vital, history, from, to, marks), [body]);
  return html`<div class="moment" ref=${host}>
    <${Loaded} held=${held} again=${again}>${model && html`<${Chart} model=${model} width=${width} last=${true} cursor=${cursor} asTable=${false} />`}<//>
  </div>`;
}

function Change({ change }) {
  const [shown, setShown] = useState(false);
  const { before, after, patient_id: id } = change;
  const kind = before && after ? "moves" : before ? "vanishes" : "appears";
  const told = before ?? after;
  const card = cardOf(id);
  const chart = vitalOfAlert(change) && html`<button aria-expanded=${shown} aria-label=${`${t("lab.chart")}: ${plainName(card, id)}, ${when(told.onset_at, now.value)}`} onClick=${() => setShown(!shown)}>${t("lab.chart")}</button>`;
  const then = kind === "moves" && t("lab.then", { priority: t(`priority.${after.priority}`), time: when(after.shown_at, now.value) });
  return html`<li class=${kind}>
    <p><b>${t(`lab.${kind}`)}</b> ${t(`priority.${told.priority}`)}: ${ruleWords(change.rule)}, <time>${when(told.shown_at, now.value)}</time> ${then}</p>
    <div class="acts"><a href=${`#/patient/${encodeURIComponent(id)}`}><${Name} card=${card} id=${id} /></a> ${chart} ${change.alert_id && html`<span class="muted">${t("lab.real")}</span>`}</div>
    ${shown && html`<${Moment} change=${change} at=${Date.parse(told.onset_at)} />`}
  </li>`;
}

function Result({ trial, result }) {
  const empty = result.days.filter((each) => !each.patients).map((each) => day(each.start_at));
  return html`<p>${t("lab.days", { n: result.days.length - empty.length, all: result.days.length, patients: result.patients })}
      ${empty.length > 0 && html` <b>${t("lab.empty", { days: empty.join(", ") })}</b>`} ${result.without_data > 0 && html`<b>${t("lab.without", { n: result.without_data })}</b>`}</p>
    <${Sides} result=${result} />
    <h3>${t("lab.changes")}</h3>
    <p>${t("lab.same", { n: result.same })} ${result.more > 0 && t("lab.more", { n: result.more })}</p>
    <ul class="things lab-changes">${result.changes.map((change, i) => html`<${Change} key=${`${trial.asked_at} ${i}`} change=${change} />`)}</ul>`;
}

/** `other`: it was of other limits than those that stand in the table. */
function Trial({ trial, other, onEnd }) {
  const { state, done, patients, why, result } = trial;
  return html`<section class="trial" aria-label=${t("lab.result")}>
    <h2>${t("lab.result")}</h2>
    <p class="muted"><bdi>${trial.asked_by}</bdi>, ${when(trial.asked_at, now.value)}${other && html` <b>${t("lab.other")}</b>`}</p>
    ${state === "running" && html`<div class="acts" role="status"><progress max=${patients} value=${done} aria-label=${t("lab.result")}></progress> ${t("lab.running", { n: done, all: patients })} <button onClick=${onEnd}>${t("lab.end")}</button></div>`}
    ${state === "failed" && html`<p class="outcome refused">${t("lab.failed", { why })}</p>`} ${state === "ended" && html`<p>${t("lab.ended")}</p>`}
    ${result && html`<${Result} trial=${trial} result=${result} />`}
  </section>`;
}

const trouble = (error) => (error.status === 409 ? t("lab.conflict") : troubleWords(error));
const busy = (error) => (error.status === 409 ? t("lab.busy") : troubleWords(error));

function Lab({ id }) {
  const path = pathOf(id);
  const [held, again] = useRead(path);
  const [tries, look] = useRead(`${path}/trials`);
  const [edits, setEdits] = useState({});
  const [tried, setTried] = useState("");
  const [said, run] = useSending();
  const policy = held.body;
  const trial = tries.body?.items[0];
  const running = trial?.state === "running";
  useEffect(() => {
    const timer = running && setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [running]);
  const limits = policy ? changesIn(policy, edits) : [];
  const edit = (rule, field, value) => setEdits((was) => ({ ...was, [nameOf(rule)]: { ...was[nameOf(rule)], [field]: value } }));
  const disabled = !limits.length || said.phase === "sending" || !canCommand();
  const tryOut = async () => {
    if (await run(() => post(`${path}/trials`, { limits, days: DAYS }), () => t("lab.started"), busy)) setTried(JSON.stringify(limits));
    look();
  };
  const save = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const json = { limits, reason: form.get("reason").trim(), signed_off_by: form.get("signed").trim() };
    const kept = await run(() => request("PUT", `${path}?after=${policy.document?.version ?? 0}`, { json }), () => t("lab.saved"), trouble);
    if (kept) setEdits({});
    again();
  };
  const end = () => request("DELETE", `${path}/trials`).then(look, look);
  const whose = id.startsWith(WARD) ? html`<bdi>${id.slice(WARD.length)}</bdi>` : html`<${Name} card=${cardOf(id)} id=${id} />`;
  return html`<${Office} title=${html`${t("page.policy")}: ${whose}`}>
    <p class="muted">${t("lab.about")}</p>
    <${Loaded} held=${held} again=${again}>
      <div class="lab">
        <div>
          ${policy && html`<${Limits} policy=${policy} edits=${edits} onEdit=${edit} />`}
          <div class="acts"><button class="main" disabled=${disabled || running} onClick=${tryOut}>${t("lab.try", { n: DAYS })}</button> <button disabled=${!limits.length} onClick=${() => setEdits({})}>${t("lab.undo")}</button></div>
          <${Said} outcome=${said} />
          <form onSubmit=${save}>
            <label>${t("lab.reason")}<input name="reason" required minlength="3" maxlength="500" autocomplete="off" /></label>
            <label>${t("lab.signed")}<input name="signed" maxlength="200" autocomplete="off" /></label>
            <button disabled=${disabled}>${t("lab.save", { n: limits.length })}</button>
          </form>
        </div>
        ${trial && html`<${Trial} trial=${trial} other=${tried !== JSON.stringify(limits)} onEnd=${end} />`}
      </div>
    <//>
  <//>`;
}

export function PolicyLab() {
  const { id } = route.value;
  if (id) return html`<${Lab} key=${id} id=${id} />`;
  return html`<${Office} title=${t("page.policy")}>
    <p>${t("lab.choose")}</p>
    <ul class="pages">${wardNames().map((ward) => html`<li key=${ward}><a href=${`#/policy/${encodeURIComponent(WARD + ward)}`}><bdi>${ward}</bdi></a></li>`)}</ul>
  <//>`;
}
