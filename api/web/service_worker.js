// Says that the server does not answer, when a page cannot even be opened, and shows notices on phones. It keeps the files below
// and nothing else: no script of the page, which could be old, and nothing that the server said of anybody.
const KEPT = "vigil-aea39562"; // by what the files hold: a test tells the name
const FILES = ["offline.html", "offline.css", "favicon.svg"];

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(FILES)));
});

addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop));
});

addEventListener("fetch", (event) => {
  const { mode, url } = event.request;
  const kept = FILES.find((file) => url === new URL(file, location).href);
  if (mode === "navigate" || kept) {
    event.respondWith(fetch(event.request).catch(() => caches.match(kept ?? FILES[0])));
  }
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.matchAll({ type: "window", includeUncontrolled: true }).then(([page]) => page?.focus() ?? clients.openWindow("./")));
});
