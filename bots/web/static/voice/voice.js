// Asking aloud: hold the button or press it twice, or leave the microphone open. Everything that is
// said stands in the chat as well. What goes over the line: bots/web/voice/__init__.py.

const root = document.querySelector('[data-voice]');
const chat = root.closest('.chat');
const log = chat.querySelector('.log');
const find = (name) => root.querySelector(`[data-${name}]`);
const words = (name) => root.querySelector(`template[data-words="${name}"]`).innerHTML;
const [{ Line }, { Recorder, microphone, refusal }, { Microphone }, { Player }, { Reader }, turns] = await Promise.all(
  [...['line', 'recorder', 'microphone', 'player', 'reader'].map((name) => root.dataset[name]), root.dataset.chatScript]
    .map((address) => import(address)),
);

const TAP = 400; // ms; a shorter press starts, and the next one sends
const ELSEWHERE = 4001;
const IDLE = 4002;
const TOO_MANY = 4003;
const KEPT = 'kankei-aloud';
const button = find('talk');
const stop = find('stop');
const handsfree = find('handsfree');
const aloud = find('aloud');
const csrf = document.querySelector('meta[name=csrf]').content;

let plays = ['audio/wav'];
let recorder = null;
let attempt = 0; // of opening the microphone; an old one that succeeds late is let go
let latched = false; // recording goes on without the button
let press = null; // { at } while the button is held
let ear = null; // the open microphone
let limit = 0;
const shown = new Map(); // question → its turn in the log
const asked = []; // turns of corrected questions that have no number yet
const sentences = new Map(); // "question:index" → text

const player = new Player({
  sentence: (question, index) => caption(question, sentences.get(`${question}:${index}`)),
  silent: () => rest(),
});
const reader = new Reader({ sentence: (text) => caption(0, text), silent: () => rest() });
const line = new Line(csrf, {
  told: (message) => told[message.type]?.(message),
  heard: (question, index, file) => { player.unlock(); player.add(question, index, file); },
  lost,
});

// What the mascot does, in words and by its face.

function mood(kind, state, html = words(`state.${state}`)) {
  root.dataset.mood = kind;
  find('now').innerHTML = html;
  const held = document.activeElement === stop;
  stop.hidden = kind !== 'speaking';
  if (held && stop.hidden) button.focus({ preventScroll: true });
}
function announce(html) { find('state').innerHTML = html; }
function rest() {
  uncaption();
  log.setAttribute('aria-live', 'polite');
  if (recorder) return;
  if (ear) mood('open', 'open');
  else mood('idle', 'idle');
}
function fault(html) {
  find('fault').innerHTML = html;
  rest();
}
function clean() { find('fault').replaceChildren(); }

function caption(question, text) {
  if (!text) return;
  mood('speaking', question ? 'speaking' : 'browser');
  if (!find('caption').hidden && find('caption').textContent === text) return; // its next clause
  find('caption').textContent = text;
  find('caption').hidden = false;
  mark(text.trim());
}
function uncaption() {
  find('caption').hidden = true;
  globalThis.CSS?.highlights?.delete('spoken');
}
// The same sentence in the written answer, where the browser can mark it without changing the page.
function mark(text) {
  if (!globalThis.CSS?.highlights) return;
  CSS.highlights.delete('spoken');
  const said = log.lastElementChild?.querySelector('.said');
  if (!said) return;
  const walker = document.createTreeWalker(said, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(text);
    if (at < 0) continue;
    const range = new Range();
    range.setStart(node, at);
    range.setEnd(node, at + text.length);
    CSS.highlights.set('spoken', new Highlight(range));
    return;
  }
}

// Silence, now. The server is told by what follows.
function hush() {
  player.cut();
  reader.cut();
  uncaption();
  log.setAttribute('aria-live', 'polite');
}

async function connect() {
  player.unlock();
  if (line.open) return;
  plays = await player.plays([['audio/ogg', root.dataset.sampleOgg], ['audio/mp4', root.dataset.sampleMp4]]);
  player.restart();
  shown.clear();
  sentences.clear();
  asked.length = 0;
  await line.connect(() => ({ plays, aloud: aloud.checked }));
  limit = line.ready.seconds;
}
function lost(code) {
  drop();
  const open = ear !== null;
  endEar();
  hush();
  for (const turn of [...shown.values(), ...asked]) if (turn.getAttribute('aria-busy')) turn.remove();
  if (code === ELSEWHERE) fault(words('fault.elsewhere'));
  else if (code === IDLE) {
    rest();
    if (!open) return;
    mood('idle', 'idle', words('rest.off'));
    announce(words('rest.off'));
  } else if (root.dataset.mood !== 'idle') fault(words('fault.offline'));
  else rest();
}
function why(error) {
  if (error === TOO_MANY) return 'too-many';
  return typeof error === 'number' ? 'offline' : refusal(error);
}

// The microphone and the line, or neither: a microphone without a line is closed again, also one
// that is granted after the line has failed.
async function both() {
  const opening = microphone();
  try {
    const [stream] = await Promise.all([opening, connect()]);
    return stream;
  } catch (error) {
    opening.then((stream) => { for (const track of stream.getTracks()) track.stop(); }, () => {});
    throw error;
  }
}

// Push to talk

async function begin() {
  const mine = ++attempt;
  endEar();
  clean();
  hush();
  line.say('stop');
  mood('opening', 'opening');
  button.dataset.on = 'true';
  let stream = null;
  try {
    player.unlock();
    setSession('play-and-record');
    stream = await both();
    if (mine !== attempt) throw null;
    recorder = new Recorder(stream, (sound) => line.sound(sound));
    line.say('start', { media: recorder.type });
    recorder.start();
  } catch (error) {
    for (const track of stream?.getTracks() ?? []) track.stop();
    if (mine === attempt) { reset(); fault(words(`fault.${why(error)}`)); }
    return;
  }
  const now = recorder;
  setTimeout(() => { if (recorder === now) finish(); }, (limit - 1) * 1000);
  find('talk-label').innerHTML = words('send');
  mood('listening', 'listening');
  navigator.vibrate?.(30);
}
async function finish() {
  const done = recorder;
  recorder = null;
  reset();
  mood('hearing', 'hearing');
  announce(words('state.hearing'));
  await done.stop();
  line.say('end');
}
// The button is up again.
function reset() {
  latched = false;
  setSession('playback');
  button.dataset.on = 'false';
  find('talk-label').innerHTML = words('talk');
}
function drop() {
  attempt += 1;
  if (!recorder) return;
  recorder.drop();
  recorder = null;
  line.say('cancel');
  reset();
}
function down() {
  if (latched) { press = null; finishOrLeave(); return; }
  press = { at: performance.now() };
  begin();
}
function up() {
  if (!press) return;
  const held = performance.now() - press.at;
  press = null;
  if (held < TAP) latched = true;
  else finishOrLeave();
}
function finishOrLeave() {
  if (recorder) { finish(); return; }
  if (root.dataset.mood !== 'opening') { latched = false; return; }
  attempt += 1; // the browser asked, and meanwhile the button was let go
  reset();
  rest();
  mood('idle', 'ready');
  announce(words('state.ready'));
}
function cancel() {
  press = null;
  if (!recorder && root.dataset.mood !== 'opening') return;
  drop();
  reset();
  mood('idle', 'cancelled');
  announce(words('state.cancelled'));
}

button.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  button.setPointerCapture(event.pointerId);
  down();
});
button.addEventListener('pointerup', up);
button.addEventListener('pointercancel', cancel);
button.addEventListener('contextmenu', (event) => event.preventDefault()); // a long touch
button.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') cancel();
  if (event.key !== ' ' && event.key !== 'Enter') return;
  event.preventDefault();
  if (!event.repeat) down();
});
button.addEventListener('keyup', (event) => {
  if (event.key !== ' ' && event.key !== 'Enter') return;
  event.preventDefault();
  up();
});
button.addEventListener('blur', () => { if (press) up(); });
// A screen reader's press has neither pointer nor key: it starts, and the next one sends.
button.addEventListener('click', (event) => {
  if (event.detail !== 0 || press) return;
  down();
  up();
});
stop.addEventListener('click', () => {
  hush();
  line.say('stop');
  rest();
  if (!ear) mood('idle', 'stopped');
  announce(words('state.stopped'));
  button.focus({ preventScroll: true });
});

// Hands-free

function setSession(type) {
  if (navigator.audioSession) navigator.audioSession.type = type; // Safari: also when the phone is muted
}
async function openEar() {
  const mine = ++attempt;
  clean();
  hush();
  mood('opening', 'opening');
  let stream = null;
  try {
    const context = player.unlock();
    setSession('play-and-record');
    stream = await both();
    if (mine !== attempt) throw null;
    line.say('stop');
    line.say('open');
    const opened = new Microphone(context, stream, {
      frame: (pcm, level) => { line.sound(pcm); show(level); },
      loud: (loud) => player.duck(loud),
    });
    await opened.open(root.dataset.worklet);
    if (mine !== attempt) {
      opened.close();
      line.say('close');
      return;
    }
    ear = opened;
    ear.stream.getTracks()[0].onended = () => { endEar(); fault(words('fault.none')); };
    mood('open', 'open');
    announce(words('state.open'));
  } catch (error) {
    for (const track of stream?.getTracks() ?? []) track.stop();
    if (mine === attempt) {
      handsfree.checked = false;
      setSession('playback');
      fault(words(`fault.${why(error)}`));
    }
  }
}
function endEar(html = null) {
  handsfree.checked = false;
  if (!ear) return;
  ear.close();
  ear = null;
  line.say('close');
  setSession('playback');
  show(0);
  if (html === null) return;
  mood('idle', 'idle', html);
  announce(html);
}
function show(level) { root.style.setProperty('--level', Math.min(1, level * 8).toFixed(2)); }
handsfree.addEventListener('change', () => {
  cancel();
  if (handsfree.checked) openEar();
  else { attempt += 1; hush(); line.say('stop'); rest(); endEar(words('rest.off')); }
});
function keep(value) {
  try { localStorage.setItem(KEPT, value); } catch { /* the browser keeps nothing for anybody */ }
}
function kept() {
  try { return localStorage.getItem(KEPT); } catch { return null; }
}
aloud.checked = kept() !== 'no';
aloud.addEventListener('change', () => {
  keep(aloud.checked ? 'yes' : 'no');
  if (!aloud.checked) { hush(); rest(); }
  line.say('aloud', { on: aloud.checked });
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) return;
  cancel();
  endEar(words('rest.left'));
});
window.addEventListener('pagehide', () => { drop(); endEar(); hush(); line.close(); });

// What the server says

function turnOf(question) {
  if (!shown.has(question)) shown.set(question, wait());
  return shown.get(question);
}
// The question with the start of its answer; of a small screen, the answer.
function showWhole(turn) {
  const you = turn.previousElementSibling ?? turn;
  const end = turn.offsetTop + Math.min(turn.offsetHeight, 120);
  turns.showEnd(end - you.offsetTop > log.clientHeight ? turn : you);
}
function wait() {
  const turn = turns.add('them', turns.thinking());
  turn.setAttribute('aria-busy', 'true');
  return turn;
}
// Somebody asked for silence since this question, whether the server knows it yet or not.
function unwanted(question) { return line.unheard > 0 || question <= player.cutTo; }
const told = {
  cut: ({ cut }) => { player.cut(cut); reader.cut(); },
  listening: () => {},
  began: ({ cut }) => {
    player.cut(cut);
    reader.cut();
    uncaption();
    log.setAttribute('aria-live', 'polite');
    clean();
    mood('listening', 'listening');
  },
  ended: () => mood('hearing', 'hearing'),
  nothing: () => rest(),
  asked: ({ question }) => shown.set(question, asked.shift() ?? wait()),
  waiting: ({ html }) => mood('hearing', 'hearing', html),
  heard: ({ question, html }) => {
    const you = turns.add('you');
    you.classList.add('turn-heard');
    you.innerHTML = html;
    shown.set(question, wait());
    turns.showEnd(you);
    if (!recorder && root.dataset.mood !== 'listening') mood('thinking', 'thinking');
  },
  words: ({ question, piece }) => {
    const turn = turnOf(question);
    let said = turn.querySelector('.said');
    if (!said) {
      const box = turns.bubble('');
      said = document.createElement('p');
      said.className = 'said';
      box.append(said);
      turn.replaceChildren(box);
    }
    said.textContent += piece;
  },
  answer: ({ question, turn: number, html, instead, aloud: wanted, language, text }) => {
    const muted = unwanted(question);
    const how = muted ? 'none' : wanted;
    const turn = turnOf(question);
    // Whoever hears it does not have it read by a screen reader at the same time.
    log.setAttribute('aria-live', how === 'none' ? 'polite' : 'off');
    turn.innerHTML = html;
    turn.id = `turn-${number}`;
    find('caption').lang = turn.querySelector('.bubble')?.lang ?? language;
    turn.removeAttribute('aria-busy');
    for (const field of turn.previousElementSibling?.querySelectorAll('[name=instead]') ?? []) field.value = instead;
    showWhole(turn);
    if (how === 'browser') byDevice(text, language);
    else if (how === 'none' && !muted && !recorder && root.dataset.mood !== 'listening') rest();
  },
  piece: ({ question, index, text }) => sentences.set(`${question}:${index}`, text),
  spoken: ({ question, pieces, language, text }) => {
    if (pieces) player.finish(question, pieces);
    else if (unwanted(question)) return;
    else if (text) byDevice(text, language);
    else fault(words('fault.mute'));
  },
  fault: ({ question, html, over }) => {
    const turn = shown.get(question);
    if (turn?.getAttribute('aria-busy')) turn.remove();
    if (over) endEar();
    if (!question && recorder) { press = null; drop(); }
    fault(html);
  },
  rest: ({ html }) => endEar(html),
};
async function byDevice(text, language) {
  if (await reader.read(text, language) !== false) return;
  rest();
  mood(root.dataset.mood, 'idle', words('written'));
  announce(words('written'));
}

// A correction goes the same way, so that its answer is heard; without a line it is a plain question.
chat.addEventListener('submit', (event) => {
  if (!line.open) return;
  const form = event.target.closest('form[data-heard]');
  if (!form) { // what is written meanwhile
    hush();
    line.say('stop');
    rest();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const fields = new FormData(form, event.submitter);
  const text = fields.get('text').trim();
  if (!text) return;
  drop();
  clean();
  hush();
  const you = turns.add('you', turns.bubble(text));
  asked.push(wait());
  turns.showEnd(you);
  mood('thinking', 'thinking');
  line.say('ask', { text, instead: fields.get('instead') });
}, true);
chat.addEventListener('keydown', (event) => {
  const field = event.target.closest('form[data-heard] textarea');
  if (!field || event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  field.form.requestSubmit();
});

root.hidden = false;
