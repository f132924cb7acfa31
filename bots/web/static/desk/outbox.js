// Sends what was taken without signal: at once when the signal is back, and by a timer whose pauses
// grow to five minutes. A use leaves the device only after the town has answered for it.

const FIRST = 5000;
const LONGEST = 300000;
const PORTION = 50;

export class Outbox {
  constructor(store, { ask, Away, onChange, onSignal, onConflict }) {
    this.store = store;
    this.ask = ask;
    this.Away = Away;
    this.tell = { change: onChange, signal: onSignal, conflict: onConflict };
    this.pause = FIRST;
    this.timer = null;
    this.sending = false;
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = null;
    this.pause = FIRST;
    this.send();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST);
  }

  // Two tabs of one window take turns.
  send() {
    if (this.sending) return;
    this.sending = true;
    const run = () => this.portions();
    const turn = navigator.locks ? navigator.locks.request('kankei-desk-outbox', run) : run();
    turn.catch((error) => console.error(error)).finally(() => { this.sending = false; });
  }

  async portions() {
    try {
      let waiting = await this.store.all('queue');
      if (!waiting.length) {
        await this.ask('ping');
        this.tell.signal(true);
        return;
      }
      while (waiting.length) {
        const scans = waiting.slice(0, PORTION).map(({ id, text, at }) => ({ id, text, at }));
        const { answers } = await this.ask('sync', { scans }, 15000);
        this.tell.signal(true);
        await this.settle(answers, new Map(waiting.map((each) => [each.id, each])));
        if (!answers.length) throw new this.Away();
        waiting = await this.store.all('queue');
      }
    } catch (error) {
      if (error instanceof this.Away) this.tell.signal(false);
      this.later();
    }
  }

  async settle(answers, kept) {
    for (const { id, ok, reason, perk } of answers) {
      const was = kept.get(id);
      if (!was) continue;
      if (!ok) await this.store.put('conflicts', id, { at: was.at, perk, reason });
      await this.store.sent(id, Date.now());
    }
    await this.tell.change();
    await this.tell.conflict();
  }
}
