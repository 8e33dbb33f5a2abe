// Single-letter keys. Views register what a key does while they are shown; letters can be switched off (WCAG 2.1.4).
import { useLayoutEffect, useRef } from "./html.js";
import { preferences } from "./preferences.js";

const handlers = []; // the newest registration is asked first

const ALWAYS = new Set(["Escape", "ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "Enter"]);

/** Is the key meant for a field? Boxes to tick take no letters. */
function typing(target) {
  return target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") !== null;
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const open = document.querySelector("dialog[open]");
  if (open) return; // a dialog has the keyboard to itself
  if (event.key !== "Escape" && typing(event.target)) return;
  if (!ALWAYS.has(event.key) && !preferences.value.letterKeys) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  for (let i = handlers.length - 1; i >= 0; i -= 1) {
    const act = handlers[i].current[name];
    if (act && act(event) !== false) {
      event.preventDefault();
      return;
    }
  }
});

/** `keys`: {key: act}; act may return false to let another handler or the browser have the key. */
export function useKeys(keys) {
  const held = useRef(keys);
  held.current = keys;
  useLayoutEffect(() => {
    handlers.push(held);
    return () => handlers.splice(handlers.indexOf(held), 1);
  }, []);
}
