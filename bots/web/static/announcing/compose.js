// Writing an announcement: tabs, counters, what it will look like, whom it reaches, and the picture.
// Without this the form works as well: everything is shown, and the server draws it after a press.

import { pictures } from './picture.js';
import { tabs } from './tabs.js';
import { translations } from './translations.js';

const PAUSE = 450; // ms without a key pressed before the server is asked
const form = document.querySelector('[data-compose]');
const said = form.querySelector('[data-said]');
let dirty = false;

// Counters

const length = (field) => [...field.value.trim()].length;

function limits() {
  const picture = form.querySelector('[data-picture-number]').value !== '';
  for (const field of form.querySelectorAll('[data-most]')) {
    const hint = document.getElementById(`count-${field.id}`);
    hint.dataset.resting ??= hint.textContent;
    let most = Number(field.dataset.most);
    let used = length(field);
    if (picture && field.dataset.withPicture) {
      most = Number(field.dataset.withPicture);
      used += length(document.getElementById(field.id.replace('body', 'heading')));
    }
    const left = most - used;
    hint.classList.toggle('over', left < 0);
    if (left < 0) hint.textContent = form.dataset.over.replace('{count}', -left);
    else if (left <= most / 5 || used) hint.textContent = form.dataset.left.replace('{count}', left);
    else hint.textContent = hint.dataset.resting;
    if (left < 0) field.setAttribute('aria-invalid', 'true');
    else if (!document.getElementById(`fault-${field.id}`)) field.removeAttribute('aria-invalid');
  }
}

// What it looks like and whom it reaches: drawn by the server, from what is sent in the end.

let asking = null;
let timer = 0;

export function fields() {
  const data = new FormData(form);
  data.delete('file');
  return new URLSearchParams([...data].filter(([, value]) => typeof value === 'string'));
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch('/console/announcements/look', {
      method: 'POST', body: fields(), headers: { Accept: 'application/json' }, signal: asking.signal,
    });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
  } catch (error) {
    if (error.name === 'AbortError') return;
    const looks = form.querySelector('[data-looks]'); // the form itself goes on as it is
    looks.textContent = looks.dataset.failed;
  }
}

function show(drawn) {
  form.querySelector('[data-looks]').innerHTML = drawn.looks;
  form.querySelector('[data-reach]').innerHTML = drawn.reach;
  if (said.textContent !== drawn.said) said.textContent = drawn.said;
  form.querySelector('[data-place]').textContent = drawn.place;
  for (const [language, mark] of Object.entries(drawn.marks)) {
    form.querySelector(`[data-mark="${language}"]`).textContent = mark;
  }
  for (const [language, html] of Object.entries(drawn.checks)) {
    const box = form.querySelector(`[data-check="${language}"]`);
    if (!box.contains(document.activeElement)) box.innerHTML = html;
  }
}

export function later(pause = PAUSE) {
  dirty = true;
  limits();
  clearTimeout(timer);
  timer = setTimeout(ask, pause);
}

form.addEventListener('input', (event) => {
  if (event.target.type !== 'file') later();
});
form.addEventListener('change', (event) => {
  if (event.target.type !== 'file') later(event.target.matches('select, [type=radio], [type=checkbox]') ? 0 : PAUSE);
});

// A field's own fault goes when somebody writes in it; the server says what is left.
form.addEventListener('input', (event) => {
  const fault = document.getElementById(`fault-${event.target.id}`);
  if (fault) fault.remove();
  if (event.target.id) event.target.removeAttribute('aria-invalid');
});

// Enter in a line would press the first button, which may be any: it goes on to the check.
form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && event.target.matches('input:not([type=checkbox], [type=radio], [type=file])')) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) form.querySelector('[data-next]')?.click();
  }
});

window.addEventListener('beforeunload', (event) => { if (dirty) event.preventDefault(); });
form.addEventListener('submit', () => { dirty = false; });

// Buttons for links: only as many as are used, and one more.

const links = [...form.querySelectorAll('[data-link]')];
const more = form.querySelector('[data-link-more]');
const used = (pair) => [...pair.querySelectorAll('input')].some((field) => field.value || field.hasAttribute('aria-invalid'));
let shown = Math.max(0, ...links.map((pair, index) => (used(pair) ? index + 1 : 0)));
function arrange() {
  links.forEach((pair, index) => { pair.hidden = index >= shown; });
  more.hidden = shown >= links.length;
}
more.addEventListener('click', () => {
  shown += 1;
  arrange();
  links[shown - 1].querySelector('input').focus();
});
arrange();

for (const each of form.querySelectorAll('[data-without-script]')) each.hidden = true;
tabs(form, (language) => {
  const look = form.querySelector('#look');
  if (look.value === language) return;
  look.value = language;
  later(0);
});
translations(form, () => later(0));
pictures(form, () => later(0));
limits();
const faults = document.querySelector('[data-faults]');
if (faults) {
  faults.focus();
  for (const link of faults.querySelectorAll('a')) {
    link.addEventListener('click', (event) => {
      const field = document.getElementById(link.hash.slice(1));
      if (!field) return;
      event.preventDefault();
      const panel = field.closest('[data-panel]');
      if (panel) document.getElementById(`tab-${panel.dataset.panel}`).click();
      field.scrollIntoView({ block: 'center' });
      field.focus();
    });
  }
  dirty = true;
}
