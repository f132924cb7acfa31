// The ticket window's service worker: keeps its page and files, so that it opens without signal.
// `SHELL` (addresses with digests) and `EDITION` are put in front by the server. Nothing outside
// /desk/ and those files is touched.

const CACHE = `kankei-desk-${EDITION}`;
const PATIENCE = 4000;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name === CACHE || !name.startsWith('kankei-desk-')) continue;
      await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

// A page that opened with its PIN says so; one that asks for the PIN is not kept.
const isOpen = (answer) => answer.ok && !answer.redirected && answer.headers.get('X-Desk') === 'open';

async function keep(address) {
  const answer = await fetch(address, { credentials: 'same-origin' });
  const cache = await caches.open(CACHE);
  if (isOpen(answer)) await cache.put(address, answer);
}

// Answers whether the page is kept.
async function kept(address) {
  await keep(address).catch(() => {});
  return Boolean(await (await caches.open(CACHE)).match(address));
}

self.addEventListener('message', (event) => {
  const { keep: wanted, forget } = event.data || {};
  if (wanted) event.waitUntil(kept(wanted).then((done) => event.ports[0].postMessage(done)));
  if (forget) event.waitUntil(caches.open(CACHE).then((cache) => cache.delete(forget)));
});

async function page(request) {
  const cache = await caches.open(CACHE);
  const { pathname } = new URL(request.url);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (isOpen(answer)) await cache.put(pathname, answer.clone());
    else if (answer.status < 500) await cache.delete(pathname);
    return answer;
  } catch (error) {
    const kept = await cache.match(pathname);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== 'GET' || address.origin !== self.location.origin) return;
  if (request.mode === 'navigate' && /^\/desk\/[\w-]+$/.test(address.pathname)) {
    event.respondWith(page(request));
  } else if (SHELL.includes(address.pathname + address.search)) {
    event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
  }
});
