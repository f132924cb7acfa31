// What every page shares: counters under text fields, and no form sent twice by a double press.

function count(field, hint, submit) {
  const limit = Number(field.dataset.limit);
  const resting = hint.textContent;
  const show = () => {
    const left = limit - [...field.value].length;
    const over = left < 0;
    hint.classList.toggle('over', over);
    field.setAttribute('aria-invalid', String(over));
    if (submit) submit.disabled = over;
    if (over) hint.textContent = field.dataset.labelOver.replace('{count}', -left);
    else if (left <= limit / 5) hint.textContent = field.dataset.labelLeft.replace('{count}', left);
    else hint.textContent = resting;
  };
  field.addEventListener('input', show);
  show();
}

for (const field of document.querySelectorAll('textarea[data-limit]')) {
  const hint = document.getElementById(field.getAttribute('aria-describedby'));
  if (hint) count(field, hint, field.form.querySelector('button:not([type=button])'));
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.matches('[data-chat]')) return;
  if (form.dataset.sent) event.preventDefault();
  else form.dataset.sent = 'yes';
});
// A page that comes back from the browser's memory, or a download that leaves the page standing.
window.addEventListener('pageshow', () => free());
window.addEventListener('blur', () => free());
function free() {
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
}
document.addEventListener('submit', () => setTimeout(free, 2000));

// The language list closes like a menu.
for (const menu of document.querySelectorAll('details.languages')) {
  document.addEventListener('click', (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && menu.open) { menu.open = false; menu.querySelector('summary').focus(); }
  });
}
