// What the mascot shows: what it does in words and by its face, the caption of what is being said,
// and a fault with a next step.

export class Panel {
  constructor(root, log, { recording, open }) {
    this.root = root;
    this.log = log;
    this.recording = recording; // () => whether somebody records a question
    this.open = open; // () => whether the microphone is open
    this.button = this.find('talk');
    this.stop = this.find('stop');
  }

  find(name) { return this.root.querySelector(`[data-${name}]`); }
  words(name) { return this.root.querySelector(`template[data-words="${name}"]`).innerHTML; }

  get kind() { return this.root.dataset.mood; }

  mood(kind, state, html = this.words(`state.${state}`)) {
    this.root.dataset.mood = kind;
    this.find('now').innerHTML = html;
    const held = document.activeElement === this.stop;
    this.stop.hidden = kind !== 'speaking';
    if (held && this.stop.hidden) this.button.focus({ preventScroll: true });
  }

  // Nothing is said any more: back to what is heard meanwhile.
  rest() {
    this.quiet();
    if (this.recording()) return;
    if (this.open()) this.mood('open', 'open');
    else this.mood('idle', 'idle');
  }

  // For screen readers, which do not read what the mascot does from second to second.
  announce(html) { this.find('state').innerHTML = html; }

  fault(html) {
    this.find('fault').innerHTML = html;
    this.rest();
  }

  clean() { this.find('fault').replaceChildren(); }

  label(name) { this.find('talk-label').innerHTML = this.words(name); }

  level(level) { this.root.style.setProperty('--level', Math.min(1, level * 8).toFixed(2)); }

  caption(question, text) {
    if (!text) return;
    const browser = this.open() ? 'browser-open' : 'browser';
    this.mood('speaking', question ? 'speaking' : browser);
    const caption = this.find('caption');
    if (!caption.hidden && caption.textContent === text) return; // its next clause
    caption.textContent = text;
    caption.hidden = false;
    mark(text.trim(), this.log);
  }

  // No caption; screen readers read the answers again.
  quiet() {
    this.find('caption').hidden = true;
    globalThis.CSS?.highlights?.delete('spoken');
    this.log.setAttribute('aria-live', 'polite');
  }
}

// The same sentence in the written answer, where the browser can mark it without changing the page.
function mark(text, log) {
  if (!globalThis.CSS?.highlights) return;
  CSS.highlights.delete('spoken');
  const said = log.lastElementChild?.querySelector('.said');
  if (!said) return;
  const walker = document.createTreeWalker(said, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(text);
    if (at < 0) continue;
    const range = new Range();
    range.setStart(node, at);
    range.setEnd(node, at + text.length);
    CSS.highlights.set('spoken', new Highlight(range));
    return;
  }
}
