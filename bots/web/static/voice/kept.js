// What this browser remembers of the voice, where it remembers anything for anybody.

const KEPT = 'kankei-aloud';

export function keep(aloud) {
  try { localStorage.setItem(KEPT, aloud ? 'yes' : 'no'); } catch { /* nothing is kept for anybody */ }
}

export function keptAloud() {
  try { return localStorage.getItem(KEPT) !== 'no'; } catch { return true; }
}
