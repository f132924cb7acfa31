// What every way of asking needs: the line, a microphone that may be used, and silence at once.

const TOO_MANY = 4003;

export class Call {
  constructor({ line, player, reader, panel, microphone, refusal, hello, samples, fresh }) {
    Object.assign(this, { line, player, reader, panel, microphone, refusal });
    this.hello = hello; // () => what the server is greeted with
    this.samples = samples; // [media, address] of each container, best first
    this.fresh = fresh; // a new line counts its questions from the beginning
    this.attempt = 0; // of opening the microphone; an old one that succeeds late is let go
    this.seconds = 0; // of one recording
  }

  next() { this.attempt += 1; return this.attempt; }

  // Silence, now. The server is told by what follows.
  hush() {
    this.player.cut();
    this.reader.cut();
    this.panel.quiet();
  }

  async connect() {
    this.player.unlock();
    if (this.line.open) return;
    const plays = await this.player.plays(this.samples);
    this.player.restart();
    this.fresh();
    await this.line.connect(() => ({ plays, ...this.hello() }));
    this.seconds = this.line.ready.seconds;
  }

  // The microphone and the line, or neither: a microphone without a line is closed again, also one
  // that is granted after the line has failed.
  async both() {
    const opening = this.microphone();
    try {
      const [stream] = await Promise.all([opening, this.connect()]);
      return stream;
    } catch (error) {
      opening.then(release, () => {});
      throw error;
    }
  }

  // The words of what stood in the way: of the microphone, or of the line (its close code).
  why(error) {
    if (error === TOO_MANY) return 'too-many';
    return typeof error === 'number' ? 'offline' : this.refusal(error);
  }
}

export function release(stream) { for (const track of stream?.getTracks() ?? []) track.stop(); }

// Safari: 'playback' sounds also when the phone is muted, and no microphone opens in it.
export function setSession(type) {
  if (navigator.audioSession) navigator.audioSession.type = type;
}
