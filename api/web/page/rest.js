// What is read after the first look: the module of the other views; null until it is there.
import { signal } from "./html.js";

const RETRY_MS = 2000;
export const rest = signal(null);
let asked = false;

export async function readRest() {
  if (asked) return;
  asked = true;
  while (!rest.peek()) {
    try {
      rest.value = await import("../views/rest.js");
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // the bar says what is wrong with the connection
    }
  }
}
