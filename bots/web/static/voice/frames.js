// Audio worklet: what the microphone gives, at whatever rate, as frames of 512 samples at 16 kHz.
// A windowed sinc holds back what 16 kHz cannot carry, so that hiss does not fold into speech.

const RATE = 16000;
const FRAME = 512;
const CROSSINGS = 8; // of the sinc, each side
const PHASES = 64; // between two input samples

class Frames extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;
    const width = Math.max(1, this.step);
    this.half = Math.ceil(CROSSINGS * width);
    this.table = Array.from({ length: PHASES }, (_, phase) => this.taps(phase / PHASES, 0.46 / width));
    this.input = new Float32Array(0);
    this.at = this.half; // of the next output, within the input
    this.fresh();
  }

  taps(offset, cutoff) {
    const taps = new Float32Array(2 * this.half);
    let sum = 0;
    for (let each = 0; each < taps.length; each += 1) {
      const t = each - this.half + 1 - offset;
      const x = 2 * Math.PI * cutoff * t;
      const window = Math.abs(t) < this.half ? 0.5 + 0.5 * Math.cos((Math.PI * t) / this.half) : 0;
      taps[each] = (x === 0 ? 1 : Math.sin(x) / x) * window;
      sum += taps[each];
    }
    return taps.map((tap) => tap / sum);
  }

  fresh() {
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.power = 0;
  }

  process([[channel]]) {
    if (!channel) return true;
    const all = new Float32Array(this.input.length + channel.length);
    all.set(this.input);
    all.set(channel, this.input.length);
    while (this.at + this.half < all.length) {
      const first = Math.floor(this.at);
      const taps = this.table[Math.floor((this.at - first) * PHASES)];
      const from = first - this.half + 1;
      let sum = 0;
      for (let each = 0; each < taps.length; each += 1) sum += taps[each] * all[from + each];
      this.put(Math.max(-1, Math.min(1, sum)));
      this.at += this.step;
    }
    const done = Math.max(0, Math.floor(this.at) - this.half);
    this.input = all.slice(done);
    this.at -= done;
    return true;
  }

  put(sample) {
    this.frame[this.filled] = sample * 32767;
    this.filled += 1;
    this.power += sample * sample;
    if (this.filled < FRAME) return;
    const level = Math.sqrt(this.power / FRAME);
    this.port.postMessage({ pcm: this.frame.buffer, level }, [this.frame.buffer]);
    this.fresh();
  }
}
registerProcessor('frames', Frames);
