// A draft in another language: asked for, filled in, and left to a person to check.

export function translations(form, changed) {
  for (const button of form.querySelectorAll('[data-translate]')) {
    button.addEventListener('click', async (event) => {
      event.preventDefault();
      if (button.getAttribute('aria-disabled') === 'true') return;
      const language = button.dataset.translate;
      const said = form.querySelector(`[data-translate-said="${language}"]`);
      said.textContent = button.dataset.busy;
      button.setAttribute('aria-disabled', 'true');
      try {
        await translate(form, language, said);
        button.textContent = button.dataset.again;
      } finally {
        button.removeAttribute('aria-disabled');
        changed();
      }
    });
  }
}

async function translate(form, language, said) {
  const body = new URLSearchParams({ language });
  for (const name of ['csrf', 'heading-ja', 'body-ja']) body.set(name, form.elements[name].value);
  let drafted;
  try {
    const answer = await fetch('/console/announcements/translate', {
      method: 'POST', body, headers: { Accept: 'application/json' },
    });
    drafted = await answer.json();
  } catch {
    drafted = {};
  }
  said.classList.toggle('fault', !drafted.body);
  said.textContent = drafted.said ?? said.dataset.failed;
  if (!drafted.body) return;
  form.elements[`heading-${language}`].value = drafted.heading;
  form.elements[`body-${language}`].value = drafted.body;
  form.querySelector(`[data-machine="${language}"]`).value = 'yes';
  const read = form.elements[`read-${language}`];
  if (read) read.checked = false;
}
