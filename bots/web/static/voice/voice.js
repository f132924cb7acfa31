// Asking aloud: hold the button or press it twice, or leave the microphone open. Everything that is
// said stands in the chat as well. What goes over the line: bots/web/voice/__init__.py.
//
// This script puts the parts together; each stands in the file of its name. Their addresses carry a
// digest of their content, so they are in the page and not in `import` statements.

const root = document.querySelector('[data-voice]');
const chat = root.closest('.chat');
const log = chat.querySelector('.log');
const part = (name) => import(root.dataset[`script${name}`]);
const [
  { Line }, { Recorder, microphone, refusal }, { Microphone }, { Player }, { Reader }, { Panel },
  { Press }, { Call, release, setSession }, { Talk }, { HandsFree }, { Answers }, { keep, keptAloud }, turns,
] = await Promise.all([
  'Line', 'Recorder', 'Microphone', 'Player', 'Reader', 'Panel',
  'Press', 'Call', 'Talk', 'Handsfree', 'Answers', 'Kept', 'Chat',
].map(part));

const ELSEWHERE = 4001;
const IDLE = 4002;

const panel = new Panel(root, log, { recording: () => talk.recording, open: () => handsfree.open });
const aloud = panel.find('aloud');
aloud.checked = keptAloud();

const player = new Player({
  sentence: (question, index) => panel.caption(question, answers.sentence(question, index)),
  silent: () => panel.rest(),
});
const reader = new Reader({
  sentence: (text) => panel.caption(0, text),
  silent: () => panel.rest(),
  reading: (question, on) => line.say('reading', { question, on }),
});
const line = new Line(document.querySelector('meta[name=csrf]').content, {
  told: (message) => answers.take(message),
  heard: (question, index, file) => { player.unlock(); player.add(question, index, file); },
  lost,
});
const call = new Call({
  ...{ line, player, reader, panel, microphone, refusal },
  hello: () => ({ aloud: aloud.checked }),
  samples: [['audio/ogg', root.dataset.sampleOgg], ['audio/mp4', root.dataset.sampleMp4]],
  fresh: () => answers.clear(),
});
const talk = new Talk({ call, panel, Recorder, release, setSession, alone: () => handsfree.close() });
const press = new Press(panel.button, {
  begin: () => talk.begin(),
  end: () => talk.end(),
  cancel: () => talk.cancel(),
});
talk.press = press;
const handsfree = new HandsFree({
  ...{ call, panel, Microphone, release, setSession },
  worklet: root.dataset.worklet,
  alone: press.cancel,
});
const answers = new Answers({ call, panel, log, turns, talk, handsfree });

function lost(code) {
  talk.drop();
  const { open } = handsfree;
  handsfree.close();
  call.hush();
  answers.forsake();
  if (code === ELSEWHERE) panel.fault(panel.words('fault.elsewhere'));
  else if (code === IDLE) {
    panel.rest();
    if (!open) return;
    panel.mood('idle', 'idle', panel.words('rest.off'));
    panel.announce(panel.words('rest.off'));
  } else if (panel.kind !== 'idle') panel.fault(panel.words('fault.offline'));
  else panel.rest();
}

panel.stop.addEventListener('click', () => {
  call.hush();
  line.say('stop');
  panel.rest();
  if (!handsfree.open) panel.mood('idle', 'stopped');
  panel.announce(panel.words('state.stopped'));
  panel.button.focus({ preventScroll: true });
});
aloud.addEventListener('change', () => {
  keep(aloud.checked);
  if (!aloud.checked) {
    call.hush();
    panel.rest();
  }
  line.say('aloud', { on: aloud.checked });
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) return;
  press.cancel();
  handsfree.close(panel.words('rest.left'));
});
window.addEventListener('pagehide', () => {
  talk.drop();
  handsfree.close();
  call.hush();
  line.close();
});

// A correction goes the same way, so that its answer is heard; without a line it is a plain question.
chat.addEventListener('submit', (event) => {
  if (!line.open) return;
  const form = event.target.closest('form[data-heard]');
  if (!form) { // what is written meanwhile
    call.hush();
    line.say('stop');
    panel.rest();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const fields = new FormData(form, event.submitter);
  const text = fields.get('text').trim();
  if (!text) return;
  talk.drop();
  panel.clean();
  call.hush();
  answers.ask(text);
  panel.mood('thinking', 'thinking');
  line.say('ask', { text, instead: fields.get('instead') });
}, true);
chat.addEventListener('keydown', (event) => {
  const field = event.target.closest('form[data-heard] textarea');
  if (!field || event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  field.form.requestSubmit();
});

root.hidden = false;
