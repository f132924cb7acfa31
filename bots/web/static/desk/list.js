// Today's list: what the town has of this window, and before it what waits on this device.
// The newest list of the town is kept, so that a page opened without signal says of when it is.

const KEPT = 'list'; // its key beside the kit

export class Today {
  // `now()` in milliseconds by the town's clock, `undo(number, reason)` answers {done, said}.
  constructor(root, { store, say, write, zone, now, undo, announce }) {
    Object.assign(this, { root, store, say, write, now });
    this.day = new Intl.DateTimeFormat('sv-SE', { timeZone: zone });
    this.clock = new Intl.DateTimeFormat('ja-JP', { timeZone: zone, hour: 'numeric', minute: '2-digit' });
    this.at = Number(this.part('today').dataset.at);
    root.addEventListener('submit', async (event) => {
      event.preventDefault();
      const form = event.target;
      const item = form.closest('li');
      const { done, said } = await undo(form.dataset.waiting || Number(form.dataset.number), event.submitter.value);
      announce(said);
      if (!done) write(item.querySelector('[data-said]'), said);
    });
  }

  part(name) { return this.root.querySelector(`[data-${name}]`); }

  time(moment) { return this.clock.format(new Date(moment)); }

  async show({ html, at }) {
    if (!html || at < this.at) return;
    this.at = at;
    this.part('today').innerHTML = html;
    await this.store.put('kit', KEPT, { html, at });
  }

  // A page from the cache is older than the last list that was seen on it.
  async restore() {
    const kept = await this.store.get('kit', KEPT);
    if (kept) await this.show(kept);
    const today = this.day.format(new Date(this.now()));
    if (this.day.format(new Date(this.at)) !== today) this.part('today').replaceChildren();
  }

  // Without signal: of when this list is.
  date(signal) {
    this.part('as-of').hidden = signal;
    this.write(this.part('as-of'), signal ? '' : this.say('page.as_of', { time: this.time(this.at) }));
  }

  async waiting() {
    const queue = await this.store.all('queue');
    const gone = await this.store.all('withdrawn');
    const all = [...queue, ...gone].sort((one, other) => other.at - one.at);
    this.part('queued').hidden = all.length === 0;
    this.part('queued').replaceChildren(...all.map((each) => this.item(each)));
  }

  item({ id, at, perk, undo }) {
    const item = this.part('waiting-item').content.cloneNode(true).firstElementChild;
    item.querySelector('time').textContent = this.time(at);
    this.write(item.querySelector('[data-perk]'), perk || '');
    item.classList.toggle('desk-undone', Boolean(undo));
    item.querySelector(undo ? '[data-waits]' : '[data-undone]').remove();
    const form = item.querySelector('form');
    form.dataset.waiting = id;
    if (undo) {
      const reason = form.querySelector(`button[value="${undo}"]`);
      this.write(item.querySelector('[data-said]'), reason ? reason.textContent : '');
      item.querySelector('details').remove();
    }
    return item;
  }
}
