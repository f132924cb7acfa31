// The mascot's voice: sentences one after the other without a gap, and silence at once.

const FADE = 0.03; // seconds; a hard cut clicks
const QUIET = 0.25; // gain while somebody may be about to speak

export class Player {
  constructor({ sentence, silent }) {
    this.sentence = sentence; // (question, index): its sound begins
    this.silent = silent; // (question): all of it was heard
    this.context = null;
    this.gain = null;
    this.cutTo = 0; // nothing of this question or an earlier one sounds
    this.cuts = 0; // what was being decoded before a cut does not sound after it
    this.#clear();
  }

  #clear() {
    this.playing = new Set();
    this.timers = [];
    this.until = 0; // when the last sentence ends, by the context's clock
    this.order = Promise.resolve();
    this.played = 0;
    this.whole = null; // { question, pieces } once the server has sent all
  }

  get speaking() { return this.playing.size > 0; }

  // Within a press: browsers let nothing sound before.
  unlock() {
    this.context ??= new (window.AudioContext || window.webkitAudioContext)({ latencyHint: 'interactive' });
    if (this.context.state !== 'running') this.context.resume().catch(() => {});
    return this.context;
  }

  // What this browser plays, tried with a sample of each, best first.
  async plays(samples) {
    for (const [media, address] of samples) {
      try {
        const file = await (await fetch(address)).arrayBuffer();
        const sound = await this.context.decodeAudioData(file);
        if (sound.length) return [media, 'audio/wav'];
      } catch { /* not this one */ }
    }
    return ['audio/wav'];
  }

  add(question, index, file) {
    if (question <= this.cutTo) return;
    const { cuts } = this;
    const decoding = this.context.decodeAudioData(file).catch(() => null);
    this.order = this.order.then(async () => {
      const sound = await decoding;
      if (cuts === this.cuts) this.#play(question, index, sound);
    });
  }

  #play(question, index, sound) {
    this.played += 1;
    if (!sound) { this.#ended(); return; }
    if (!this.gain) {
      this.gain = this.context.createGain();
      this.gain.connect(this.context.destination);
    }
    const source = this.context.createBufferSource();
    source.buffer = sound;
    source.connect(this.gain);
    const now = this.context.currentTime;
    const at = Math.max(now + 0.02, this.until);
    this.until = at + sound.duration;
    this.playing.add(source);
    source.onended = () => { if (this.playing.delete(source)) this.#ended(); };
    source.start(at);
    this.timers.push(setTimeout(() => this.sentence(question, index), (at - now) * 1000));
  }

  finish(question, pieces) {
    if (question <= this.cutTo) return;
    this.whole = { question, pieces };
    const { cuts } = this;
    this.order.then(() => { if (cuts === this.cuts) this.#ended(); });
  }

  #ended() {
    if (!this.whole || this.playing.size || this.played < this.whole.pieces) return;
    const { question } = this.whole;
    this.#clear();
    this.silent(question);
  }

  // Everything up to this question falls silent, also what is still on its way.
  cut(question = this.cutTo) {
    this.cutTo = Math.max(this.cutTo, question);
    this.cuts += 1;
    for (const timer of this.timers) clearTimeout(timer);
    if (this.gain) {
      const { gain } = this.gain;
      const now = this.context.currentTime;
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(gain.value, now);
      gain.linearRampToValueAtTime(0, now + FADE);
      for (const source of this.playing) { source.onended = null; source.stop(now + FADE); }
      this.gain = null; // the next answer has a new one
    }
    this.#clear();
  }

  // Softer while the microphone is loud: the server has not said yet whether it is speech.
  duck(on) {
    this.gain?.gain.setTargetAtTime(on ? QUIET : 1, this.context.currentTime, 0.02);
  }

  // A new connection counts its questions from the beginning.
  restart() {
    this.cut();
    this.cutTo = 0;
  }
}
