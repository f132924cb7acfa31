// The device's own voice, for languages that the town's has none of.

const synthesis = window.speechSynthesis;
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
  constructor({ sentence, silent }) {
    this.sentence = sentence; // (text)
    this.silent = silent;
    this.turn = 0;
  }

  // Whether it reads, or null when it was cut meanwhile; a voice on the device itself is preferred.
  async read(text, language) {
    this.cut();
    if (!synthesis) return false;
    const turn = this.turn;
    const wanted = language.split('-')[0].toLowerCase();
    const fit = (await voices()).filter((each) => each.lang.replace('_', '-').toLowerCase().split('-')[0] === wanted);
    const voice = fit.find((each) => each.localService) ?? fit[0];
    if (turn !== this.turn) return null;
    if (!voice) return false;
    const sentences = (text.match(SENTENCE) ?? [text]).map((each) => each.trim()).filter(Boolean);
    sentences.forEach((each, index) => {
      const said = new SpeechSynthesisUtterance(each);
      said.voice = voice;
      said.lang = voice.lang;
      said.onstart = () => { if (turn === this.turn) this.sentence(each); };
      const last = index === sentences.length - 1;
      said.onend = said.onerror = () => { if (last && turn === this.turn) this.silent(); };
      synthesis.speak(said);
    });
    return true;
  }

  cut() {
    this.turn += 1;
    synthesis?.cancel();
  }
}
