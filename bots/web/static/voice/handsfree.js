// Hands-free: the microphone stays open, and the server finds where a question begins and ends.

export class HandsFree {
  constructor({ call, panel, worklet, Microphone, release, setSession, alone }) {
    Object.assign(this, { call, panel, worklet, Microphone, release, setSession });
    this.alone = alone; // drops what is being recorded
    this.ear = null; // the open microphone
    this.control = panel.find('handsfree');
    this.control.addEventListener('change', () => this.#change());
  }

  get open() { return this.ear !== null; }

  #change() {
    this.alone();
    if (this.control.checked) { this.#open(); return; }
    this.call.next();
    this.call.hush();
    this.call.line.say('stop');
    this.panel.rest();
    this.close(this.panel.words('rest.off'));
  }

  async #open() {
    const { call, panel } = this;
    const mine = call.next();
    panel.clean();
    call.hush();
    panel.mood('opening', 'opening');
    let stream = null;
    try {
      const context = call.player.unlock();
      this.setSession('play-and-record');
      stream = await call.both();
      if (mine !== call.attempt) throw null;
      call.line.say('stop');
      call.line.say('open');
      const ear = this.#ear(context, stream);
      await ear.open(this.worklet);
      if (mine !== call.attempt) {
        ear.close();
        call.line.say('close');
        return;
      }
      this.ear = ear;
      stream.getTracks()[0].onended = () => { this.close(); panel.fault(panel.words('fault.none')); };
      panel.mood('open', 'open');
      panel.announce(panel.words('state.open'));
    } catch (error) {
      this.release(stream);
      if (mine !== call.attempt) return;
      this.control.checked = false;
      this.setSession('playback');
      panel.fault(panel.words(`fault.${call.why(error)}`));
    }
  }

  #ear(context, stream) {
    return new this.Microphone(context, stream, {
      frame: (pcm, level) => {
        // No browser takes the device's own voice out of what its microphone hears.
        const deaf = this.call.reader.reading;
        if (!deaf) this.call.line.sound(pcm);
        this.panel.level(deaf ? 0 : level);
      },
      loud: (loud) => this.call.player.duck(loud),
    });
  }

  // The microphone is off; with words, they say why.
  close(html = null) {
    this.control.checked = false;
    if (!this.open) return;
    this.ear.close();
    this.ear = null;
    this.call.line.say('close');
    this.setSession('playback');
    this.panel.level(0);
    if (html === null) return;
    this.panel.mood('idle', 'idle', html);
    this.panel.announce(html);
  }
}
