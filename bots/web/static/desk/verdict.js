// Yes or no, over the whole screen: colour, sign, word, sound and vibration. Never colour alone.

const TONES = { // hertz, start and length in seconds
  yes: [[880, 0, 0.12], [1320, 0.13, 0.22]],
  no: [[220, 0, 0.28], [165, 0.3, 0.4]],
  warn: [[520, 0, 0.15], [520, 0.22, 0.15]],
  done: [[660, 0, 0.18]],
};
const BUZZ = { yes: [80], no: [250, 120, 250], warn: [120, 80, 120], done: [60] };
const MARKS = { yes: '○', no: '×', warn: '!', done: '✓' };

// Easy Japanese: 窓口（まどぐち） becomes a reading above the characters.
const READING = /([\u3400-\u9fff々〆]+)[（(]([\u3041-\u3096ー]+)[）)]/g;
export function write(element, text) {
  if (document.body.dataset.language !== 'ja-easy') {
    element.textContent = text;
    return;
  }
  element.replaceChildren();
  let at = 0;
  for (const { 0: all, 1: base, 2: reading, index } of text.matchAll(READING)) {
    const ruby = document.createElement('ruby');
    const above = document.createElement('rt');
    above.textContent = reading;
    ruby.append(base, above);
    element.append(text.slice(at, index), ruby);
    at = index + all.length;
  }
  element.append(text.slice(at));
}

export class Verdicts {
  // `undo(number, reason)` answers {done, said}; `next()` is told when the screen is free again.
  constructor(dialog, words, { undo, next }) {
    this.dialog = dialog;
    this.words = words;
    this.undo = undo;
    this.sound = null;
    this.number = null;
    dialog.addEventListener('close', () => next());
    dialog.addEventListener('click', (event) => {
      if (!event.target.closest('button, form')) dialog.close();
    });
    this.part('next').addEventListener('click', () => dialog.close());
    this.part('undo').addEventListener('click', () => this.reasons(true));
    this.part('keep').addEventListener('click', () => this.reasons(false));
    this.part('reasons').addEventListener('submit', (event) => {
      event.preventDefault();
      this.takeBack(event.submitter.value);
    });
  }

  part(name) { return this.dialog.querySelector(`[data-verdict-${name}]`); }

  get shown() { return this.dialog.open; }

  // Sound needs a press before the first time.
  wake() {
    const Sound = window.AudioContext || window.webkitAudioContext;
    if (!this.sound && Sound) this.sound = new Sound();
    if (this.sound && this.sound.state === 'suspended') this.sound.resume();
  }

  show({ colour, word, perk = '', reason = '', facts = [], undo = null }) {
    this.number = undo;
    this.dialog.className = `verdict verdict-${colour}`;
    this.part('mark').textContent = MARKS[colour];
    write(this.part('word'), word);
    write(this.part('perk'), perk);
    write(this.part('reason'), reason);
    this.part('facts').replaceChildren(...facts.map((fact) => {
      const item = document.createElement('li');
      write(item, fact);
      return item;
    }));
    this.reasons(false);
    if (!this.dialog.open) this.dialog.showModal();
    this.part('said').focus();
    this.tell(colour);
  }

  tell(colour) {
    if (navigator.vibrate) navigator.vibrate(BUZZ[colour]);
    if (!this.sound) return;
    for (const [hertz, start, length] of TONES[colour]) {
      const tone = this.sound.createOscillator();
      const loud = this.sound.createGain();
      const from = this.sound.currentTime + start;
      tone.type = colour === 'no' ? 'square' : 'sine';
      tone.frequency.value = hertz;
      loud.gain.setValueAtTime(0.0001, from);
      loud.gain.exponentialRampToValueAtTime(0.4, from + 0.01);
      loud.gain.exponentialRampToValueAtTime(0.0001, from + length);
      tone.connect(loud).connect(this.sound.destination);
      tone.start(from);
      tone.stop(from + length);
    }
  }

  reasons(asked) {
    this.part('reasons').hidden = !asked;
    this.part('next').hidden = asked;
    this.part('undo').hidden = asked || this.number === null;
    if (asked) this.part('reasons').querySelector('button').focus();
  }

  async takeBack(reason) {
    const { done, said } = await this.undo(this.number, reason);
    if (done) {
      this.show({ colour: 'done', word: this.words['verdict.undone_word'], reason: this.words['verdict.undone_next'] });
    } else {
      write(this.part('reason'), said);
      this.reasons(false);
      this.part('said').focus();
    }
  }

  announce(text) { document.querySelector('[data-announce]').textContent = text; }
}
