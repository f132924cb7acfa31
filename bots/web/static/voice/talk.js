// Push to talk: one question is recorded while the button is held, or from one press to the next.

export class Talk {
  constructor({ call, panel, Recorder, release, setSession, alone }) {
    Object.assign(this, { call, panel, Recorder, release, setSession });
    this.alone = alone; // closes the open microphone
    this.recorder = null;
    this.press = null; // the button, once there is one
  }

  get recording() { return this.recorder !== null; }

  async begin() {
    const { call, panel } = this;
    const mine = call.next();
    this.alone();
    panel.clean();
    call.hush();
    call.line.say('stop');
    panel.mood('opening', 'opening');
    panel.button.dataset.on = 'true';
    let stream = null;
    try {
      call.player.unlock();
      this.setSession('play-and-record');
      stream = await call.both();
      if (mine !== call.attempt) throw null;
      this.recorder = new this.Recorder(stream, (sound) => call.line.sound(sound));
      call.line.say('start', { media: this.recorder.type });
      this.recorder.start();
    } catch (error) {
      this.release(stream);
      if (mine === call.attempt) {
        this.#up();
        panel.fault(panel.words(`fault.${call.why(error)}`));
      }
      return;
    }
    const now = this.recorder;
    setTimeout(() => { if (this.recorder === now) this.#finish(); }, (call.seconds - 1) * 1000);
    panel.label('send');
    panel.mood('listening', 'listening');
    navigator.vibrate?.(30);
  }

  // The press is over: send what was recorded, or leave before anything was.
  end() {
    if (this.recording) { this.#finish(); return; }
    if (this.panel.kind !== 'opening') { this.press.release(); return; }
    this.call.next(); // the browser asked, and meanwhile the button was let go
    this.#up();
    this.panel.rest();
    this.panel.mood('idle', 'ready');
    this.panel.announce(this.panel.words('state.ready'));
  }

  async #finish() {
    const { call, panel, recorder } = this;
    this.recorder = null;
    this.#up();
    panel.mood('hearing', 'hearing');
    panel.announce(panel.words('state.hearing'));
    await recorder.stop();
    call.line.say('end');
  }

  cancel() {
    if (!this.recording && this.panel.kind !== 'opening') return;
    this.drop();
    this.#up();
    this.panel.mood('idle', 'cancelled');
    this.panel.announce(this.panel.words('state.cancelled'));
  }

  // Nothing of it is sent any more.
  drop() {
    this.call.next();
    if (!this.recording) return;
    this.recorder.drop();
    this.recorder = null;
    this.call.line.say('cancel');
    this.#up();
  }

  // The server does not take the recording: whoever still holds the button sends nothing.
  refused() {
    if (this.recording) this.drop();
  }

  // The button is up again.
  #up() {
    this.press.release();
    this.setSession('playback');
    this.panel.button.dataset.on = 'false';
    this.panel.label('talk');
  }
}
