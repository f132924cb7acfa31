// What the server says: questions as they were heard, answers in the chat, and who reads them aloud.

export class Answers {
  constructor({ call, panel, log, turns, talk, handsfree }) {
    Object.assign(this, { call, panel, log, turns, talk, handsfree });
    this.shown = new Map(); // question → its turn in the log
    this.asked = []; // turns of corrected questions that have no number yet
    this.sentences = new Map(); // "question:index" → text
  }

  take(message) { this.#told[message.type]?.(message); }

  sentence(question, index) { return this.sentences.get(`${question}:${index}`); }

  // A new line counts its questions from the beginning.
  clear() {
    this.shown.clear();
    this.sentences.clear();
    this.asked.length = 0;
  }

  // The line is lost: who waits for an answer gets none.
  forsake() {
    for (const turn of [...this.shown.values(), ...this.asked]) {
      if (turn.getAttribute('aria-busy')) turn.remove();
    }
  }

  // A question that was corrected in writing, before it has its number.
  ask(text) {
    const you = this.turns.add('you', this.turns.bubble(text));
    this.asked.push(this.#wait());
    this.turns.showEnd(you);
  }

  #wait() {
    const turn = this.turns.add('them', this.turns.thinking());
    turn.setAttribute('aria-busy', 'true');
    return turn;
  }

  #turnOf(question) {
    if (!this.shown.has(question)) this.shown.set(question, this.#wait());
    return this.shown.get(question);
  }

  // Somebody asked for silence since this question, whether the server knows it yet or not.
  #unwanted(question) { return this.call.line.unheard > 0 || question <= this.call.player.cutTo; }

  get #listening() { return this.talk.recording || this.panel.kind === 'listening'; }

  #cut(question) {
    this.call.player.cut(question);
    this.call.reader.cut();
  }

  #told = {
    cut: ({ cut }) => this.#cut(cut),
    began: ({ cut }) => {
      this.#cut(cut);
      this.panel.quiet();
      this.panel.clean();
      this.panel.mood('listening', 'listening');
    },
    ended: () => this.panel.mood('hearing', 'hearing'),
    nothing: () => this.panel.rest(),
    asked: ({ question }) => this.shown.set(question, this.asked.shift() ?? this.#wait()),
    waiting: ({ html }) => this.panel.mood('hearing', 'hearing', html),
    heard: ({ question, html }) => this.#heard(question, html),
    words: ({ question, piece }) => this.#write(this.#turnOf(question), piece),
    answer: (message) => this.#answer(message),
    piece: ({ question, index, text }) => this.sentences.set(`${question}:${index}`, text),
    spoken: ({ question, pieces, language, text }) => {
      if (pieces) this.call.player.finish(question, pieces);
      else if (this.#unwanted(question)) return;
      else if (text) this.#byDevice(question, text, language);
      else this.panel.fault(this.panel.words('fault.mute'));
    },
    fault: ({ question, html, over }) => {
      const turn = this.shown.get(question);
      if (turn?.getAttribute('aria-busy')) turn.remove();
      if (over) this.handsfree.close();
      if (!question) this.talk.refused();
      this.panel.fault(html);
    },
    rest: ({ html }) => this.handsfree.close(html),
  };

  #heard(question, html) {
    const you = this.turns.add('you');
    you.classList.add('turn-heard');
    you.innerHTML = html;
    this.shown.set(question, this.#wait());
    this.turns.showEnd(you);
    if (!this.#listening) this.panel.mood('thinking', 'thinking');
  }

  #write(turn, piece) {
    let said = turn.querySelector('.said');
    if (!said) {
      const box = this.turns.bubble('');
      said = document.createElement('p');
      said.className = 'said';
      box.append(said);
      turn.replaceChildren(box);
    }
    said.textContent += piece;
  }

  #answer({ question, turn: number, html, instead, aloud, language, text }) {
    const muted = this.#unwanted(question);
    const how = muted ? 'none' : aloud;
    const turn = this.#turnOf(question);
    // Whoever hears it does not have it read by a screen reader at the same time.
    this.log.setAttribute('aria-live', how === 'none' ? 'polite' : 'off');
    turn.innerHTML = html;
    turn.id = `turn-${number}`;
    this.panel.find('caption').lang = turn.querySelector('.bubble')?.lang ?? language;
    turn.removeAttribute('aria-busy');
    const fields = turn.previousElementSibling?.querySelectorAll('[name=instead]') ?? [];
    for (const field of fields) field.value = instead;
    this.#showWhole(turn);
    if (how === 'browser') this.#byDevice(question, text, language);
    else if (how === 'none' && !muted && !this.#listening) this.panel.rest();
  }

  // The question with the start of its answer; of a small screen, the answer.
  #showWhole(turn) {
    const you = turn.previousElementSibling ?? turn;
    const end = turn.offsetTop + Math.min(turn.offsetHeight, 120);
    this.turns.showEnd(end - you.offsetTop > this.log.clientHeight ? turn : you);
  }

  async #byDevice(question, text, language) {
    if (await this.call.reader.read(question, text, language) !== false) return;
    this.panel.rest();
    this.panel.mood(this.panel.kind, 'idle', this.panel.words('written'));
    this.panel.announce(this.panel.words('written'));
  }
}
