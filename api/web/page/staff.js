// What people are called: alerts, notes and plans hold the names by which they log in.
import { computed, effect, signal } from "./html.js";
import { get } from "./http.js";
import { now } from "./server_time.js";
import { may, viewer } from "./session.js";
import { link } from "./stream.js";
import { t } from "./words.js";

const AGAIN_MS = 600_000;
const names = signal(new Map());

/** Who is not known stands as he is: a program, somebody of another ward, or a name that was typed where nobody has an account. */
export const personName = (id) => names.value.get(id) ?? id;

/** Whose a limit is; of a starting value there is no name to look up. */
export const limitSetter = ({ set_by, source }) => (source.scope === "default" ? t("lab.starting") : `${personName(set_by)}, ${t(`scope.${source.scope}`)}`);

const turn = computed(() => link.value.state === "live" && may("names") && `${viewer.value} ${Math.floor(now.value / AGAIN_MS)}`);
effect(() => {
  if (!turn.value) return;
  get("api/v1/staff").then(
    ({ items }) => (names.value = new Map(items.map(({ id, name }) => [id, name]))),
    () => {}, // what was known stays
  );
});
