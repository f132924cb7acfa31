// The button: held while talking, or pressed briefly to start and once more to send; by finger,
// mouse, key or screen reader.

const TAP = 400; // ms; a shorter press starts, and the next one sends

export class Press {
  constructor(button, { begin, end, cancel }) {
    this.begin = begin;
    this.end = end; // a long press is over, or the second short one begins
    this.cancel = () => { this.since = null; cancel(); };
    this.since = null; // while the button is held
    this.latched = false; // recording goes on without the button
    this.#listen(button);
  }

  // The button counts as up, also where it is still held: letting it go does nothing more.
  release() {
    this.latched = false;
    this.since = null;
  }

  // Both ends by the events' own clock: a slow page hears of them late.
  #down(event) {
    if (this.latched) {
      this.since = null;
      this.end();
      return;
    }
    this.since = event.timeStamp;
    this.begin();
  }

  #up(event) {
    if (this.since === null) return;
    const held = event.timeStamp - this.since;
    this.since = null;
    if (held < TAP) this.latched = true;
    else this.end();
  }

  #listen(button) {
    button.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      this.#down(event);
    });
    button.addEventListener('pointerup', (event) => this.#up(event));
    button.addEventListener('pointercancel', () => this.cancel());
    button.addEventListener('contextmenu', (event) => event.preventDefault()); // a long touch
    button.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.cancel();
      if (event.key !== ' ' && event.key !== 'Enter') return;
      event.preventDefault();
      if (!event.repeat) this.#down(event);
    });
    button.addEventListener('keyup', (event) => {
      if (event.key !== ' ' && event.key !== 'Enter') return;
      event.preventDefault();
      this.#up(event);
    });
    button.addEventListener('blur', (event) => this.#up(event));
    // A screen reader's press has neither pointer nor key: it starts, and the next one sends.
    button.addEventListener('click', (event) => {
      if (event.detail !== 0 || this.since !== null) return;
      this.#down(event);
      this.#up(event);
    });
  }
}
