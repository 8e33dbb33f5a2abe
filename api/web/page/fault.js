// A part of the page that has failed must not look like one that works: said above all else, without the parts that draw the page.
import { t } from "./words.js";

/** Of the page's own errors; what a browser reports without one (a layout that was not settled) is none. */
export function watchFaults() {
  addEventListener("error", ({ error }) => {
    if (!error || document.querySelector(".bar.fault")) return;
    const bar = document.createElement("div");
    bar.className = "bar lost fault";
    bar.setAttribute("role", "alert");
    const again = document.createElement("button");
    again.textContent = t("fault.reload");
    again.addEventListener("click", () => location.reload());
    bar.append(t("fault.bar"), " ", again);
    document.body.prepend(bar);
  });
}
