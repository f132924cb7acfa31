// One question, recorded as a file: WebM or Ogg with Opus, in Safari MP4.

const KINDS = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4'];
const SLICE = 250; // ms
const BITS = 32000; // a second, for Opus; AAC takes what it takes

export const WISHES = { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 } };

// The words of a fault for what getUserMedia throws.
export function refusal(error) {
  if (!window.isSecureContext) return 'insecure';
  if (error?.name === 'NotAllowedError' || error?.name === 'SecurityError') return 'denied';
  if (error?.name === 'NotFoundError' || error?.name === 'OverconstrainedError') return 'none';
  if (error?.name === 'NotReadableError' || error?.name === 'AbortError') return 'in-use';
  return 'unsupported';
}

export async function microphone() {
  return navigator.mediaDevices.getUserMedia(WISHES); // no mediaDevices: not a secure context
}

export class Recorder {
  constructor(stream, sound) {
    this.stream = stream;
    this.type = KINDS.find((each) => MediaRecorder.isTypeSupported(each)) ?? '';
    this.media = new MediaRecorder(stream, this.type ? { mimeType: this.type, audioBitsPerSecond: BITS } : {});
    this.sent = Promise.resolve(); // in the order of recording
    this.dropped = false;
    this.media.ondataavailable = ({ data }) => {
      this.sent = this.sent.then(async () => {
        const buffer = await data.arrayBuffer();
        if (!this.dropped) sound(buffer);
      });
    };
  }

  start() { this.media.start(SLICE); }

  // Resolves when all of it has been sent.
  async stop() {
    if (this.media.state !== 'inactive') {
      await new Promise((resolve) => {
        this.media.onstop = resolve;
        this.media.stop();
      });
    }
    this.#release();
    await this.sent;
  }

  drop() {
    this.dropped = true;
    if (this.media.state !== 'inactive') this.media.stop();
    this.#release();
  }

  #release() { for (const track of this.stream.getTracks()) track.stop(); }
}
