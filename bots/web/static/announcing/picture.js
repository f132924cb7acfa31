// The picture: chosen or dropped, sent at once, so that no fault elsewhere loses it.

export function pictures(form, changed) {
  const box = form.querySelector('[data-picture-box]');
  const place = box.querySelector('[data-picture]');
  const said = box.querySelector('[data-picture-said]');

  async function send(file) {
    if (file.size > Number(box.dataset.bytes)) {
      said.textContent = box.dataset.large;
      said.classList.add('fault');
      const field = box.querySelector('#file');
      if (field) field.value = '';
      field?.focus();
      return;
    }
    said.classList.remove('fault');
    said.textContent = box.dataset.sending;
    const body = new FormData();
    body.set('csrf', form.elements.csrf.value);
    body.set('description-ja', form.elements['description-ja'].value);
    body.set('file', file);
    try {
      const answer = await fetch('/console/announcements/pictures', {
        method: 'POST', body, headers: { Accept: 'application/json' },
      });
      const kept = await answer.json();
      if (kept.picture) place.innerHTML = kept.picture;
      said.textContent = kept.said ?? box.dataset.failed;
      if (!kept.number) box.querySelector('#file')?.focus();
    } catch {
      said.textContent = box.dataset.failed;
    }
    changed();
  }

  box.addEventListener('change', (event) => {
    if (event.target.type === 'file' && event.target.files.length) send(event.target.files[0]);
  });
  box.addEventListener('click', async (event) => {
    if (!event.target.closest('[data-picture-remove]')) return;
    event.preventDefault();
    const body = new URLSearchParams({ csrf: form.elements.csrf.value });
    const answer = await fetch('/console/announcements/pictures', {
      method: 'POST', body, headers: { Accept: 'application/json' },
    });
    if (answer.ok) place.innerHTML = (await answer.json()).picture;
    said.textContent = box.dataset.removed;
    box.querySelector('#file')?.focus();
    changed();
  });
  for (const kind of ['dragenter', 'dragover']) {
    box.addEventListener(kind, (event) => {
      if (![...event.dataTransfer.types].includes('Files')) return;
      event.preventDefault();
      box.querySelector('[data-drop]')?.classList.add('drop-over');
    });
  }
  for (const kind of ['dragleave', 'drop']) {
    box.addEventListener(kind, () => box.querySelector('[data-drop]')?.classList.remove('drop-over'));
  }
  box.addEventListener('drop', (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) send(file);
  });
}
