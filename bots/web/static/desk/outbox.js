// Sends what was taken without signal: at once when the signal is back, and by a timer whose pauses
// grow to five minutes. A use leaves the device only after the town has answered for it.

const FIRST = 5000;
const LONGEST = 300000;
const PORTION = 50;

export class Outbox {
  constructor(store, { ask, Away, onChange, onSignal, onConflict, onSent }) {
    this.store = store;
    this.ask = ask;
    this.Away = Away;
    this.tell = { change: onChange, signal: onSignal, conflict: onConflict, sent: onSent };
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
    this.turn(() => this.portions()).catch((error) => console.error(error)).finally(() => { this.sending = false; });
  }

  turn(run) { return navigator.locks ? navigator.locks.request('kankei-desk-outbox', run) : run(); }

  // Takes back a use that waits here. What the town may have heard of is sent, and taken back there.
  // Answers false if it has been sent meanwhile.
  withdraw(id, reason) {
    return this.turn(async () => {
      const kept = await this.store.get('queue', id);
      if (!kept) return false;
      await (kept.asked ? this.store.withdrawLater(kept, reason) : this.store.withdraw(kept, reason));
      await this.tell.change();
      return true;
    });
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
        if (!navigator.onLine) throw new this.Away();
        const back = waiting.filter((each) => each.undo); // first, so that their uses are free again
        const scans = (back.length ? back : waiting).slice(0, PORTION).map(({ id, text, at }) => ({ id, text, at }));
        await this.store.asked(new Set(scans.map((each) => each.id)));
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
    let sent = 0;
    for (const { id, ok, reason, perk, number } of answers) {
      const was = kept.get(id);
      if (!was) continue;
      const undone = ok && was.undo ? await this.ask('undo', { number, reason: was.undo }) : { done: true };
      if (!ok || !undone.done) await this.store.put('conflicts', id, { at: was.at, perk, reason: ok ? undone.said : reason });
      await this.store.sent(id, Date.now());
      sent += 1;
    }
    await this.tell.change();
    await this.tell.conflict();
    if (sent) this.tell.sent(sent);
  }
}
