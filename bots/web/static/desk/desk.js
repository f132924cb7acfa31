// The ticket window: read a pass, say yes or no within a second, be ready for the next.
// Without signal it decides by the day's kit, keeps each use, and sends it when the signal is back.

const root = document.querySelector('[data-desk]');
const find = (name) => root.querySelector(`[data-${name}]`);
const words = JSON.parse(document.getElementById('desk-words').textContent);
const csrf = document.querySelector('meta[name=csrf]').content;
const base = root.dataset.desk;
const [{ Scanner }, { Store }, { Kit }, { Outbox }, { Verdicts, write }, { Today }] = await Promise.all(
  ['scan', 'store', 'kit', 'outbox', 'verdict', 'list'].map((name) => import(root.dataset[name])),
);

const PATIENCE = 2500; // milliseconds that an answer may take before the kit decides
const DIGITS = 8;
const CODE = /^\d{8}$/;
const SAME = 2500; // a code that stays in view is one scan
let signal = true;
let last = { text: '', seen: 0 };
let busy = false;
let kept = false; // whether the page itself opens without signal

const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

class Away extends Error {} // no signal, or a server that is too slow to wait for

async function ask(path, body, patience = PATIENCE) {
  let answer;
  try {
    answer = await fetch(`${base}/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-Token': csrf },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    });
  } catch { throw new Away(); }
  if (answer.status === 403) find('expired').hidden = false;
  if (answer.status >= 500 || answer.status === 429) throw new Away();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json().catch(() => { throw new Away(); });
}

function reach(there) {
  if (there === signal && find('signal').textContent) return;
  const back = there && !signal;
  signal = there;
  list.date(signal);
  if (back) today();
  write(find('signal'), words[there ? 'page.online' : 'page.offline']);
  find('signal').classList.toggle('desk-chip-away', !there);
}

const store = await Store.open(base);
const kit = new Kit(store, root.dataset.town);
const verdicts = new Verdicts(find('verdict'), words, { undo, next });
const outbox = new Outbox(store, {
  ask, Away, onChange: unsent, onSignal: reach, onConflict: conflicts, onSent: sent,
});
const list = new Today(find('list-of-today'), {
  store, say, write, undo, zone: root.dataset.zone, now: () => kit.now, announce: (text) => verdicts.announce(text),
});
const time = (moment) => list.time(moment);
const scanner = new Scanner(find('video'), {
  worker: root.dataset.decode, decoder: root.dataset.decoder, onText: seen,
});

scanner.warm().catch((error) => console.warn(error));

// Reading

function seen(text) {
  const now = performance.now();
  const same = text === last.text && now - last.seen < SAME;
  if (same) last.seen = now;
  if (same || busy || verdicts.shown) return;
  last = { text, seen: now };
  present(text);
}

async function present(text, isCode = false) {
  busy = true;
  scanner.pause();
  write(find('sent'), '');
  performance.mark('desk-asked');
  try {
    verdicts.show(await decide(text, isCode));
  } catch (error) {
    console.error(error);
    const reason = words[error.message === '403' ? 'page.expired' : 'reason.failed'];
    verdicts.show({ colour: 'warn', word: words['verdict.warn'], reason });
  } finally {
    busy = false;
  }
  performance.mark('desk-verdict');
  performance.measure('desk-decoded-to-verdict', isCode ? 'desk-asked' : 'desk-decoded', 'desk-verdict');
  if (!isCode) performance.measure('desk-frame-to-verdict', 'desk-frame', 'desk-verdict');
  today();
}

async function decide(text, isCode) {
  const id = crypto.randomUUID();
  const asked = signal && navigator.onLine;
  if (signal) {
    try {
      const verdict = await ask('scan', { text, id });
      reach(true);
      if (verdict.booked && !isCode) kit.booked(text, verdict.again);
      return verdict;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      reach(false);
      outbox.soon();
    }
  }
  if (isCode) return away('warn', 'reason.offline-code');
  const judged = await kit.judge(text, id, asked);
  if (!judged.ok) return away(judged.colour, `reason.${judged.reason}`, judged);
  unsent();
  return { ...away('yes', 'reason.offline', judged), word: words['verdict.offline'], undo: id };
}

function away(colour, key, judged = {}) {
  const facts = judged.left === null ? [words['verdict.left_unlimited']]
    : judged.left === undefined ? [] : [say('verdict.left', { left: judged.left })];
  return {
    colour,
    word: words[`verdict.${colour}`],
    perk: judged.title || '',
    reason: say(key, { before: judged.before ? time(judged.before) : '', where: '' }),
    facts: judged.ok ? facts : [],
  };
}

function next() {
  last.seen = performance.now();
  scanner.resume();
  (scanner.running ? find('stop') : find('read')).focus({ preventScroll: true });
}

find('read').addEventListener('click', async () => {
  verdicts.wake(); // sound may start only from a press
  last = { text: '', seen: 0 };
  find('fault').hidden = true;
  find('camera').hidden = false;
  try {
    await scanner.start();
    find('read').hidden = true;
    find('controls').hidden = false;
    find('torch').hidden = !scanner.hasTorch;
    find('camera').scrollIntoView({ block: 'start' });
  } catch (error) {
    find('camera').hidden = true;
    const name = { NotAllowedError: 'denied', SecurityError: 'denied', NotReadableError: 'busy', AbortError: 'busy' }[error.name];
    write(find('fault-title'), words[`camera.${name || 'missing'}`]);
    write(find('fault-next'), words[`camera.${name || 'missing'}_next`]);
    find('fault').hidden = false;
  }
});
find('stop').addEventListener('click', rest);
function rest() {
  scanner.stop();
  find('camera').hidden = true;
  find('controls').hidden = true;
  find('read').hidden = false;
  find('torch').setAttribute('aria-pressed', 'false');
}
find('torch').addEventListener('click', async () => {
  const on = find('torch').getAttribute('aria-pressed') !== 'true';
  await scanner.torch(on).then(() => find('torch').setAttribute('aria-pressed', String(on)), () => {});
});
find('code').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = find('code').elements.code;
  const text = field.value.normalize('NFKC').replace(/[\s-]/g, '');
  verdicts.wake();
  if (busy) return;
  const short = text.replace(/\D/g, '').length < DIGITS;
  const wrong = !CODE.test(text);
  write(find('code-fault-text'), wrong ? words[short ? 'page.code_short' : 'page.code_wrong'] : '');
  find('code-fault').hidden = !wrong;
  field.setAttribute('aria-invalid', String(wrong));
  if (wrong) { field.focus(); return; }
  field.value = '';
  present(text, true);
});

// Undoing, today's list

async function undo(number, reason) {
  try {
    if (typeof number === 'string') { // waits on this device
      const gone = await outbox.withdraw(number, reason);
      if (!gone) today();
      return { done: gone, said: words[gone ? 'verdict.undone' : 'page.sent_meanwhile'] };
    }
    const answer = await ask('undo', { number, reason });
    await list.show(answer);
    return answer;
  } catch (error) {
    return { done: false, said: words[error instanceof Away ? 'page.undo_away' : 'page.undo_failed'] };
  }
}
async function today() {
  if (signal) await ask('today').then((answer) => list.show(answer), () => {});
}

// Without signal

async function unsent() {
  const count = await store.count('queue');
  find('unsent').hidden = count === 0;
  write(find('unsent'), say('page.unsent', { count }));
  find('leave').querySelector('button').disabled = count > 0;
  find('leave-unsent').hidden = count === 0;
  await list.waiting();
}
function sent(count) {
  write(find('sent'), say('page.sent', { count }));
  today();
}
async function conflicts() {
  const all = await store.all('conflicts');
  find('conflicts').hidden = all.length === 0;
  find('conflict-list').replaceChildren(...all.map((each) => {
    const item = document.createElement('li');
    item.textContent = `${time(each.at)} ${each.perk} ${each.reason}`;
    return item;
  }));
}
find('conflicts-seen').addEventListener('click', () => store.clear('conflicts').then(conflicts));
find('unsent').addEventListener('click', () => outbox.soon());

async function prepare() {
  try {
    kit.keep(await ask('kit', undefined, 8000));
    reach(true);
    outbox.soon();
    today();
  } catch (error) {
    if (error instanceof Away) reach(false);
  }
  await kit.load();
  write(find('ready'), words[!kit.good ? 'page.stale' : kept ? 'page.ready' : 'page.open_only']);
  write(find('ready-next'), kit.good ? '' : words['page.stale_next']);
}

window.addEventListener('online', prepare);
window.addEventListener('offline', () => reach(false));
document.addEventListener('visibilitychange', () => { if (document.hidden) rest(); else prepare(); });
setInterval(() => { if (!document.hidden) prepare(); }, 5 * 60 * 1000);
find('leave').addEventListener('submit', async (event) => {
  event.preventDefault();
  if (await store.count('queue')) return;
  store.base.close();
  await Store.destroy(base);
  const shop = await navigator.serviceWorker.getRegistration(base);
  if (shop && shop.active) shop.active.postMessage({ forget: base });
  event.target.submit();
});

if ('serviceWorker' in navigator) {
  navigator.serviceWorker.register('/desk/offline.js', { scope: '/desk/' }).then(async () => {
    const shop = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      kept = data;
      prepare();
    };
    shop.active.postMessage({ keep: base }, [port2]);
  }).catch((error) => console.warn(error));
}
await kit.load();
await list.restore();
reach(navigator.onLine);
await unsent();
await conflicts();
await prepare();
root.dataset.state = 'ready';
