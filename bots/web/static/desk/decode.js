// A worker that finds a QR code in a frame, so that the page stays quick while it looks.
// First message: {decoder: address of jsQR}. Then {pixels, width, height}; each is answered with
// the text or ''.

self.addEventListener('message', ({ data }) => {
  if (data.decoder) {
    self.importScripts(data.decoder);
    return;
  }
  const found = self.jsQR(new Uint8ClampedArray(data.pixels), data.width, data.height, {
    inversionAttempts: 'dontInvert',
  });
  self.postMessage(found ? found.data : '');
});
