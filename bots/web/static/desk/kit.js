// The day's kit: reads a pass and verifies it by itself (ES256 with WebCrypto). The layout of a pass
// is that of core/perks/passes.py; the offline yes is that of `OfflineKit` there.

const PREFIX = 'K1.';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BODY = 40;
const BYTES = 104;
const ANY_NUMBER = 0xffff;
const FORGET = 48 * 3600 * 1000; // milliseconds that a mark of a pass is kept
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

function unpack(text) {
  const packed = text.trim().toUpperCase();
  if (!packed.startsWith(PREFIX) || packed.length !== PREFIX.length + Math.ceil(BYTES * 8 / 5)) return null;
  const bytes = new Uint8Array(BYTES);
  let buffer = 0;
  let bits = 0;
  let place = 0;
  for (const letter of packed.slice(PREFIX.length)) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return null;
    buffer = ((buffer << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[place] = (buffer >> bits) & 0xff;
      place += 1;
    }
  }
  return bytes;
}

// What a text says if it is a pass; who signed it is not asked here.
export function read(text) {
  const bytes = unpack(text);
  if (!bytes || bytes[0] !== 1) return null;
  const view = new DataView(bytes.buffer);
  const left = view.getUint16(20);
  const issued = view.getUint32(22) * 1000;
  return {
    key: hex(bytes.slice(1, 5)),
    town: (bytes[5] << 16) | (bytes[6] << 8) | bytes[7],
    mark: hex(bytes.slice(8, 12)),
    handle: hex(bytes.slice(12, 20)),
    left: left === ANY_NUMBER ? null : left,
    issued,
    expires: issued + view.getUint16(26) * 1000,
    nonce: hex(bytes.slice(28, 40)),
    body: bytes.slice(0, BODY),
    signature: bytes.slice(BODY),
  };
}

export class Kit {
  constructor(store, town) {
    this.store = store;
    this.town = Number(town);
    this.kept = null;
  }

  async keep(kit) {
    this.kept = { ...kit, offset: Date.parse(kit.now) - Date.now() };
    await this.store.put('kit', 'today', this.kept);
  }

  async load() {
    this.kept = this.kept || await this.store.get('kit', 'today') || null;
    for (const name of ['seen', 'withdrawn']) await this.store.forget(name, Date.now() - FORGET);
  }

  get now() { return Date.now() + (this.kept ? this.kept.offset : 0); }

  get good() { return Boolean(this.kept) && this.now < Date.parse(this.kept.until); }

  // Marks a pass that the town has booked, so that it is not taken again without signal.
  async booked(text, reentry) {
    const pass = read(text);
    if (pass) await this.store.note(pass, { at: this.now, sent: true, reentry });
  }

  // Decides without signal. A yes stands in the queue before it is said. `asked`: the town may have
  // booked it though its answer did not come.
  async judge(text, id, asked = false) {
    if (!this.good) return { ok: false, colour: 'warn', reason: 'offline-old' };
    const pass = read(text);
    if (!pass || !await this.signed(pass)) return { ok: false, colour: 'no', reason: 'unreadable' };
    if (pass.town !== this.town) return { ok: false, colour: 'no', reason: 'other-town' };
    const perk = this.kept.perks.find((each) => each.mark === pass.mark);
    if (!perk) return { ok: false, colour: 'no', reason: 'elsewhere' };
    const judged = { title: perk.title };
    const reason = this.untimely(pass, perk);
    if (reason) return { ...judged, ok: false, colour: reason === 'not-yet' ? 'warn' : 'no', reason };
    const queued = { id, text, at: this.now, perk: perk.title, asked };
    return { ...judged, ...await this.store.take(pass, queued, (entries) => this.count(pass, perk, entries)) };
  }

  untimely(pass, perk) {
    const { now } = this;
    const skew = this.kept.skew_seconds * 1000;
    if (pass.issued > now + skew) return 'not-yet';
    if (pass.expires + skew <= now) return 'expired';
    const today = new Date(now).toLocaleDateString('sv-SE', { timeZone: this.kept.timezone });
    if (perk.valid_from && today < perk.valid_from) return 'not-begun';
    if (perk.valid_until && today > perk.valid_until) return 'ended';
    return this.kept.taken.includes(pass.nonce) ? 'offline-taken' : null;
  }

  // `entries`: what this device saw of the same pass (`same`) and of the same handle.
  count(pass, perk, { same, handle }) {
    if (same) return { ok: false, colour: 'no', reason: 'offline-seen', before: same.at };
    const latest = Math.max(0, ...handle.map((each) => each.at));
    const use = Math.max(0, ...handle.filter((each) => !each.reentry).map((each) => each.at));
    const again = handle.filter((each) => each.reentry && each.at >= use).length;
    if (use && this.now - use < perk.reentry_minutes * 60000 && again < perk.reentries) {
      return { ok: true, reentry: true, left: undefined, before: use };
    }
    if (pass.left === null) return { ok: true, left: null };
    const unknown = handle.filter((each) => !each.reentry && (!each.sent || each.at > pass.issued)).length;
    if (unknown >= pass.left) {
      return { ok: false, colour: 'no', reason: latest ? 'offline-seen' : 'offline-used', before: latest };
    }
    return { ok: true, left: pass.left - unknown - 1 };
  }

  async signed(pass) {
    const jwk = this.kept.keys[pass.key];
    if (!jwk) return false;
    const { kty, crv, x, y } = jwk;
    const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, CURVE, false, ['verify']);
    return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, pass.signature, pass.body);
  }
}
