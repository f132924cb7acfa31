// The device's own voice, for languages that the town's has none of.

const synthesis = window.speechSynthesis;
const SLOWEST = 400; // ms a character, from which a voice that tells no end is taken for silent
const SENTENCE = /[^。！？!?.\n]+[。！？!?.]*\s*/gu;

function voices() {
  const there = synthesis.getVoices();
  if (there.length) return Promise.resolve(there);
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(synthesis.getVoices()), 1000);
    synthesis.addEventListener('voiceschanged', () => {
      clearTimeout(late);
      resolve(synthesis.getVoices());
    }, { once: true });
  });
}

export class Reader {
  constructor({ sentence, silent, reading }) {
    this.sentence = sentence; // (text)
    this.silent = silent;
    this.told = reading; // (question, whether it is being read)
    this.turn = 0;
    this.late = 0;
    this.question = null; // of the answer that is being read
    this.said = []; // some browsers forget a sentence that nobody else remembers, and its end with it
  }

  get reading() { return this.question !== null; }

  // Whether it reads, or null when it was cut meanwhile; a voice on the device itself is preferred.
  async read(question, text, language) {
    this.cut();
    if (!synthesis) return false;
    const turn = this.turn;
    const wanted = language.split('-')[0].toLowerCase();
    const fit = (await voices()).filter((each) => each.lang.replace('_', '-').toLowerCase().split('-')[0] === wanted);
    const voice = fit.find((each) => each.localService) ?? fit[0];
    if (turn !== this.turn) return null;
    if (!voice) return false;
    const sentences = (text.match(SENTENCE) ?? [text]).map((each) => each.trim()).filter(Boolean);
    this.question = question;
    this.told(question, true);
    this.said = sentences.map((each, index) => {
      const said = new SpeechSynthesisUtterance(each);
      said.voice = voice;
      said.lang = voice.lang;
      said.onstart = () => { if (turn === this.turn) this.sentence(each); };
      const last = index === sentences.length - 1;
      said.onend = said.onerror = () => {
        if (!last || turn !== this.turn) return;
        this.#ended();
        this.silent();
      };
      return said;
    });
    this.late = setTimeout(() => {
      this.cut();
      this.silent();
    }, SLOWEST * (10 + text.length));
    for (const each of this.said) synthesis.speak(each);
    return true;
  }

  #ended() {
    clearTimeout(this.late);
    const { question } = this;
    this.question = null;
    this.said = [];
    if (question !== null) this.told(question, false);
  }

  cut() {
    this.turn += 1;
    synthesis?.cancel();
    this.#ended();
  }
}
