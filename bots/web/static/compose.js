// The preview beside the form follows the Japanese words as they are written.

const form = document.querySelector('[data-compose]');
for (const part of ['heading', 'body']) {
  const field = form.querySelector(`[name="${part}-ja"]`);
  const places = form.querySelectorAll(`[data-look="${part}"]`);
  const resting = form.querySelector(`label[for="${part}-ja"]`).firstChild.textContent.trim();
  const show = () => { for (const place of places) place.textContent = field.value || resting; };
  field.addEventListener('input', show);
  show();
}
