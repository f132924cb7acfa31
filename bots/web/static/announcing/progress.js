// What the progress says is told to who hears the page: when it changes much, not every second.

const told = document.querySelector('[data-progress-said]');
const STEP = 25; // percent
const QUIET = 10_000; // ms between two words, unless the state changed
let before = { state: '', percent: -1, at: 0 };

function tell() {
  const box = document.getElementById('progress');
  if (!box || !told) return;
  const state = box.querySelector('.state-chip')?.textContent.trim() ?? '';
  const said = box.querySelector('.bar span')?.textContent ?? '';
  const percent = Number(box.dataset.percent ?? 0);
  const now = performance.now();
  const much = Math.abs(percent - before.percent) >= STEP && now - before.at >= QUIET;
  if (state === before.state && !much) return;
  if (before.state) told.textContent = `${state} ${said}`;
  before = { state, percent, at: now };
}

document.addEventListener('htmx:afterSettle', tell);
tell();
