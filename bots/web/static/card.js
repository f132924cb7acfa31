// A pass that renews itself every 30 seconds, says when it cannot, and says when it was used.

const root = document.querySelector('[data-pass]');
const find = (name) => root.querySelector(`[data-${name}]`);
const words = (name) => root.querySelector(`template[data-words="${name}"]`).content.textContent;
const base = root.dataset.pass;
const REFRESH = Number(root.dataset.refresh) * 1000;
const POLL = 2000;
const RETRY = 3000;
const ANGLES = 100; // the ring's length, by its pathLength

let shownAt = performance.now();
let validUntil = shownAt + Number(root.dataset.lifetime) * 1000;
let until = root.dataset.until;
let used = false; // the QR code is put away
let usedAt = 0; // seconds since 1970, of the use that is shown
let over = false; // nothing changes here any more
let asking = false;
let retryAt = 0;

async function ask(path) {
  const answer = await fetch(`${base}/${path}`, {
    headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(8000),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function renew() {
  if (asking || used) return;
  asking = true;
  try {
    const { svg, code, seconds, until: clock, closed } = await ask('pass');
    if (used) return;
    if (closed) { end(closed); return; }
    find('code').innerHTML = svg;
    if (code && find('manual')) find('manual').textContent = `${code.slice(0, 4)} ${code.slice(4)}`;
    shownAt = performance.now();
    validUntil = shownAt + seconds * 1000;
    until = clock;
    say('');
  } catch { away(); retryAt = performance.now() + RETRY; } finally { asking = false; }
}

function say(text) { if (find('state').textContent !== text) find('state').textContent = text; }
function away() {
  if (performance.now() < validUntil) say(words('offline').replace('{time}', until));
  else say(words('old_next'));
}
function end(text) {
  used = true;
  over = true;
  find('live').hidden = true;
  find('done').textContent = text;
}

async function poll() {
  if (over || document.hidden) return;
  try {
    const { html, at, undone } = await ask(`state?since=${root.dataset.since}&used=${usedAt}`);
    if (!html || at === usedAt) return;
    used = true;
    usedAt = at || 0;
    over = Boolean(undone);
    find('live').hidden = true;
    find('done').innerHTML = html;
    find('done').querySelector('h2').focus();
    if (navigator.vibrate) navigator.vibrate(60);
  } catch { if (!used) away(); }
}

function tick() {
  if (used) return;
  const now = performance.now();
  const left = Math.max(0, REFRESH - (now - shownAt));
  const old = now >= validUntil;
  root.classList.toggle('pass-old', old);
  find('old').hidden = !old;
  find('time').hidden = left === 0;
  find('ring').setAttribute('stroke-dashoffset', String(ANGLES * (1 - left / REFRESH)));
  find('seconds').textContent = words('seconds').replace('{seconds}', Math.ceil(left / 1000));
  if (left === 0 && now >= retryAt) renew();
}

// The screen stays on while a pass is shown.
async function stayAwake() {
  if (navigator.wakeLock && !document.hidden) await navigator.wakeLock.request('screen').catch(() => {});
}

setInterval(tick, 500);
setInterval(poll, POLL);
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  stayAwake();
  tick();
  poll();
});
window.addEventListener('online', () => { retryAt = 0; renew(); });
window.addEventListener('offline', away);
stayAwake();
tick();
