// Finds wallets (EIP-6963), asks one of them for one signature, and hands it over. No library.

const root = document.querySelector('[data-verify]');
const find = (name) => root.querySelector(`[data-${name}]`);
const base = root.dataset.verify;
const chainIds = root.dataset.chains.split(' ').map(Number);
const csrf = document.querySelector('meta[name=csrf]').content;
const list = find('wallets');
const found = new Map();
const ICON = /^data:image\/(svg\+xml|png|webp|jpeg|gif)[;,]/i;
const STEPS = ['choose', 'connect', 'sign', 'check'];

function offer(id, info, provider) {
  if (found.has(id)) return;
  found.set(id, provider);
  find('looking').hidden = true;
  find('none').hidden = true;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'wallet-button';
  let icon = document.createElement('span');
  icon.className = 'no-icon';
  if (typeof info.icon === 'string' && ICON.test(info.icon) && info.icon.length < 200000) {
    icon = document.createElement('img');
    icon.src = info.icon;
    icon.alt = '';
  }
  const name = document.createElement('b');
  name.textContent = String(info.name || 'Wallet').slice(0, 40);
  button.append(icon, name);
  button.addEventListener('click', () => prove(provider));
  const item = document.createElement('li');
  item.append(button);
  list.append(item);
}

window.addEventListener('eip6963:announceProvider', (event) => {
  const { info, provider } = event.detail || {};
  if (info && provider && typeof provider.request === 'function') offer(String(info.uuid), info, provider);
});
window.dispatchEvent(new Event('eip6963:requestProvider'));
setTimeout(() => {
  // Browsers inside wallet apps may put their wallet here only.
  if (!found.size && window.ethereum && typeof window.ethereum.request === 'function') {
    offer('injected', { name: window.ethereum.isMetaMask ? 'MetaMask' : 'Wallet' }, window.ethereum);
  }
  find('looking').hidden = true;
  find('none').hidden = found.size > 0;
}, 600);

function at(step) {
  const reached = STEPS.indexOf(step);
  for (const item of root.querySelectorAll('[data-step]')) {
    const place = STEPS.indexOf(item.dataset.step);
    const done = step === 'done' || place < reached;
    item.classList.toggle('done', done);
    item.querySelector('[data-done]').hidden = !done;
    item.querySelector('.dot').textContent = done ? '✓' : String(place + 1);
    if (place === reached) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
  }
  const words = root.querySelector(`template[data-words="${step}"]`);
  find('doing').hidden = !words;
  if (words) find('doing-text').textContent = words.content.textContent;
}
function say(html) {
  const outcome = find('outcome');
  if (typeof html === 'string') outcome.innerHTML = html;
  else outcome.replaceChildren(html);
  (outcome.querySelector('h2') || outcome).focus();
}
class Fault extends Error {
  constructor(html) { super('fault'); this.html = html; }
}
const words = (name) => root.querySelector(`template[data-fault="${name}"]`).content.cloneNode(true);

async function post(path, body) {
  let answer;
  try {
    answer = await fetch(base + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-Token': csrf },
      body: JSON.stringify(body),
    });
  } catch { throw new Fault(words('offline')); }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Fault(said.html || words('offline'));
  return said;
}
async function ask(provider, method, params) {
  try {
    return await provider.request({ method, params });
  } catch (error) {
    const name = { 4001: 'rejected', ACTION_REJECTED: 'rejected', '-32002': 'pending', 4100: 'other-account' }[error && error.code];
    throw new Fault(words(name || 'wallet-error'));
  }
}
// A contract account lives on one chain, which its wallet is on. A key's is the same everywhere.
async function chainOf(provider) {
  if (chainIds.length < 2) return chainIds[0];
  try {
    const told = Number(await provider.request({ method: 'eth_chainId', params: [] }));
    return chainIds.includes(told) ? told : chainIds[0];
  } catch { return chainIds[0]; }
}
const hex = (text) => '0x' + [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

async function prove(provider) {
  find('choose').hidden = true;
  find('again').hidden = true;
  find('outcome').replaceChildren();
  try {
    at('connect');
    const accounts = await ask(provider, 'eth_requestAccounts', []);
    if (!Array.isArray(accounts) || !accounts.length) throw new Fault(words('no-account'));
    const { message, address } = await post('/challenge', { address: accounts[0], chain_id: await chainOf(provider) });
    at('sign');
    const signature = await ask(provider, 'personal_sign', [hex(message), address]);
    at('check');
    const { html } = await post('/proof', { message, signature });
    at('done');
    say(html);
  } catch (fault) {
    if (!(fault instanceof Fault)) console.error(fault);
    at('choose');
    say(fault instanceof Fault ? fault.html : words('wallet-error'));
    find('again').hidden = false;
  }
}
find('again').querySelector('button').addEventListener('click', () => {
  find('outcome').replaceChildren();
  find('again').hidden = true;
  find('choose').hidden = false;
  (list.querySelector('button') || root.querySelector('.demo-wallet button') || root).focus();
});

find('copy').addEventListener('click', async () => {
  const link = find('link');
  link.select();
  try { await navigator.clipboard.writeText(link.value); } catch { document.execCommand('copy'); }
  find('copied').hidden = false;
});
