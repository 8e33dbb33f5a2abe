// The views that no first look needs. They are read whole right after it, so that each opens at once, also when the net is gone.
import { mayOpen, KeyList, More } from "./more.js";
import { Audit } from "./audit.js";
import { Handover } from "./handover.js";
import { PatientView } from "./patient.js";
import { People } from "./people.js";
import { PolicyLab } from "./policy_lab.js";
import { Reviews } from "./emergency.js";
import { Rota } from "./rota.js";
import { System } from "./system.js";
import { Tokens } from "./tokens.js";

export { AlertCard } from "./alert_card.js";
export { GlassBars, GlassDialog } from "./emergency.js";
export { LockBar } from "./lock.js";
export { LogInAgain } from "./log_in.js";
export { PassOnDialog, canPassOn, openPassOn } from "./pass_on.js";
export { ShiftNotices } from "./shift.js";
export { KeyList };

const VIEWS = { rota: Rota, handover: Handover, patient: PatientView, more: More, people: People, policy: PolicyLab, tokens: Tokens, reviews: Reviews, audit: Audit, system: System };

/** The view of an address, for who may open it; undefined where there is none. */
export const viewOf = (name) => (mayOpen(name) ? VIEWS[name] : More);
