// What this device keeps for the day: the kit, uses that wait to be sent, and marks of passes seen.
// A use holds the pass as it was read and nothing of the person; it is deleted once it is sent.

const NAME = 'kankei-desk';
const STORES = ['kit', 'queue', 'seen', 'conflicts', 'withdrawn'];

const answered = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});

const mark = (box, pass, value) => {
  box.put(value, `nonce:${pass.nonce}`);
  return box.put(value, `handle:${pass.handle}:${pass.nonce}`);
};

async function looked(box, pass) {
  const range = IDBKeyRange.bound(`handle:${pass.handle}:`, `handle:${pass.handle}:\uffff`);
  const same = box.get(`nonce:${pass.nonce}`);
  const handle = await answered(box.getAll(range));
  return { same: same.result, handle };
}

export class Store {
  // `desk` keeps the windows apart that one device may serve.
  static async open(desk) {
    const request = indexedDB.open(`${NAME}:${desk}`, 2);
    request.onupgradeneeded = () => {
      const { result } = request;
      for (const name of STORES) if (!result.objectStoreNames.contains(name)) result.createObjectStore(name);
    };
    const store = new Store();
    store.base = await answered(request);
    store.base.onversionchange = () => store.base.close();
    return store;
  }

  static async destroy(desk) { await answered(indexedDB.deleteDatabase(`${NAME}:${desk}`)); }

  get(name, key) { return this.within(name, 'readonly', (box) => answered(box.get(key))); }

  all(name) { return this.within(name, 'readonly', (box) => answered(box.getAll())); }

  keys(name) { return this.within(name, 'readonly', (box) => answered(box.getAllKeys())); }

  count(name) { return this.within(name, 'readonly', (box) => answered(box.count())); }

  put(name, key, value) { return this.within(name, 'readwrite', (box) => box.put(value, key)); }

  remove(name, key) { return this.within(name, 'readwrite', (box) => box.delete(key)); }

  clear(name) { return this.within(name, 'readwrite', (box) => box.clear()); }

  // One transaction looks at what was seen, asks `judge`, and keeps mark and use together, so that
  // of two scans at once on one device the second sees the first.
  async take(pass, queued, judge) {
    const change = this.base.transaction(['seen', 'queue'], 'readwrite', { durability: 'strict' });
    const seen = change.objectStore('seen');
    const ended = new Promise((done, failed) => {
      change.oncomplete = done;
      change.onabort = () => failed(change.error);
    });
    const judged = judge(await looked(seen, pass));
    if (judged.ok) {
      mark(seen, pass, { at: queued.at, sent: false, reentry: Boolean(judged.reentry), use: queued.id });
      change.objectStore('queue').add(queued, queued.id);
    }
    await ended;
    return judged;
  }

  // Marks a pass that the town has booked itself.
  note(pass, value) { return this.within('seen', 'readwrite', (box) => mark(box, pass, value)); }

  // The town has answered for a use: the pass itself goes, its marks stay for the day.
  async sent(id, at) {
    await this.remove('queue', id);
    await this.each('seen', (value) => value.use === id && { ...value, sent: true, at });
  }

  // Taken back before the town heard of it: nothing of the pass is kept, its marks go too.
  async withdraw({ id, at, perk }, undo) {
    await this.remove('queue', id);
    await this.put('withdrawn', id, { id, at, perk, undo });
    await this.each('seen', (value) => (value.use === id ? null : false));
  }

  // Taken back after the town may have heard of it: this pass is gone, a new one may come.
  async withdrawLater(kept, undo) {
    await this.put('queue', kept.id, { ...kept, undo });
    await this.each('seen', (value, key) => (value.use === kept.id && key.startsWith('handle:') ? null : false));
  }

  asked(ids) { return this.each('queue', (value) => ids.has(value.id) && !value.asked && { ...value, asked: true }); }

  forget(name, before) { return this.each(name, (value) => (value.at < before ? null : false)); }

  // `change(value, key)`: false keeps it, null deletes it, anything else takes its place.
  each(name, change) {
    return this.within(name, 'readwrite', (box) => new Promise((done, failed) => {
      const walk = box.openCursor();
      walk.onerror = () => failed(walk.error);
      walk.onsuccess = () => {
        const cursor = walk.result;
        if (!cursor) { done(); return; }
        const value = change(cursor.value, cursor.key);
        if (value === null) cursor.delete();
        else if (value) cursor.update(value);
        cursor.continue();
      };
    }));
  }

  async within(name, mode, act) {
    const change = this.base.transaction(name, mode);
    const ended = new Promise((done, failed) => {
      change.oncomplete = done;
      change.onerror = () => failed(change.error);
      change.onabort = () => failed(change.error);
    });
    const result = await act(change.objectStore(name));
    await ended;
    return result instanceof IDBRequest ? result.result : result;
  }
}
