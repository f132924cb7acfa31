// The sheet for a ticket window: prints, with or without its PIN.

const pin = document.querySelector('[data-pin]');
document.querySelector('[data-hide-pin]').addEventListener('change', (event) => {
  pin.classList.toggle('no-print', event.target.checked);
});
document.querySelector('[data-print]').addEventListener('click', () => window.print());
