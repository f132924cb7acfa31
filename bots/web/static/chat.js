// The chat, answered piece by piece. Without this script the same forms work as plain pages.
// The voice shows what is said in the same log.

const chat = document.querySelector('.chat');
const log = chat.querySelector('.log');
const ask = chat.querySelector('form[data-ask]');
const field = ask.querySelector('textarea');
const send = ask.querySelector('button');
const csrf = document.querySelector('meta[name=csrf]').content;
let busy = false;

chat.addEventListener('submit', (event) => {
  const form = event.target.closest('form[data-chat]');
  if (!form) return;
  event.preventDefault();
  if (busy) return;
  const body = new FormData(form, event.submitter);
  const text = body.get('label') || body.get('text') || '';
  if (!body.get('action') && !text.trim()) { field.focus(); return; }
  if (form === ask) { field.value = ''; field.dispatchEvent(new Event('input')); }
  talk(text, new URLSearchParams(body));
});
field.addEventListener('keydown', (event) => {
  // Enter sends; Shift+Enter is a new line; Enter that chooses kanji stays with the keyboard.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  if (!send.disabled) ask.requestSubmit(send);
});

export function add(who, ...content) {
  const turn = document.createElement('div');
  turn.className = `turn turn-${who}`;
  turn.append(...content);
  log.append(turn);
  return turn;
}
export function bubble(text) {
  const box = document.createElement('div');
  box.className = 'bubble';
  box.dir = 'auto';
  box.textContent = text;
  return box;
}
export function thinking() {
  const box = bubble('');
  const line = document.createElement('span');
  line.className = 'thinking';
  const dots = document.createElement('span');
  dots.className = 'dots';
  dots.setAttribute('aria-hidden', 'true');
  dots.append(...[1, 2, 3].map(() => document.createElement('i')));
  line.append(dots, chat.dataset.labelThinking);
  box.append(line);
  return box;
}
export function showEnd(turn) {
  // The start of a long answer stays in sight.
  log.scrollTop = Math.min(log.scrollHeight, turn.offsetTop - log.offsetTop - 12);
}

async function talk(text, body) {
  busy = true;
  const you = document.createElement('p');
  you.className = 'hidden';
  you.textContent = chat.dataset.labelYou;
  const question = add('you', you, bubble(text));
  const turn = add('them', thinking());
  turn.setAttribute('aria-busy', 'true'); // read out once, when it is whole
  showEnd(question);
  try {
    const answer = await fetch('/chat/stream', {
      method: 'POST',
      body,
      headers: { 'X-CSRF-Token': csrf, Accept: 'application/json, application/x-ndjson' },
    });
    if (!answer.ok) turn.innerHTML = (await answer.json()).html;
    else await read(answer.body, turn);
  } catch {
    const again = await fetch('/healthz').catch(() => null);
    if (again) location.reload(); // the answer is on the page that opens
    else turn.replaceChildren(failure());
  } finally {
    turn.removeAttribute('aria-busy');
    busy = false;
    showEnd(question);
    field.focus({ preventScroll: true });
  }
}
async function read(stream, turn) {
  const lines = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let said = null;
  let whole = false;
  for (;;) {
    const { value, done } = await lines.read();
    if (done) break;
    rest += value;
    const parts = rest.split('\n');
    rest = parts.pop();
    for (const part of parts) {
      const line = JSON.parse(part);
      if (line.html !== undefined) { turn.innerHTML = line.html; whole = true; continue; }
      if (!said) {
        const box = bubble('');
        said = document.createElement('p');
        said.className = 'said';
        box.append(said);
        turn.replaceChildren(box);
      }
      said.textContent += line.piece;
    }
  }
  if (!whole) throw new Error('cut off');
}
function failure() {
  const box = document.getElementById('chat-offline').content.cloneNode(true);
  return box;
}
const last = log.querySelector('.turn-you:nth-last-child(2)');
if (last) showEnd(last);
