// The one place where the page meets its vendored libraries.
import { h, render, Component } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-hooks.js";
export { batch, computed, effect, signal, useComputed, useSignal } from "../vendor/preact-signals.js";
export { render, Component };
export const html = htm.bind(h);
