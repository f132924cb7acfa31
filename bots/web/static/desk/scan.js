// Reads QR codes from the rear camera: with the browser's own detector where it has one, otherwise
// with jsQR in a worker. Times are left as User Timing marks (`desk-frame`, `desk-decoded`).

const SIDE = 640; // pixels of the square that is looked at
const PAUSE = 60; // milliseconds between two looks, so that a phone stays cool

export class Scanner {
  // `onText(text)` is called for each code that is seen, again and again while it is in view.
  constructor(video, { worker, decoder, onText }) {
    this.video = video;
    this.onText = onText;
    this.stream = null;
    this.looking = false;
    this.addresses = { worker, decoder };
    this.canvas = document.createElement('canvas');
  }

  get running() { return this.stream !== null; }

  // Throws a DOMException: NotAllowedError, NotFoundError, NotReadableError.
  async start() {
    if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
      throw new DOMException('no camera interface', 'NotFoundError');
    }
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    this.video.srcObject = this.stream;
    await this.video.play();
    await this.warm();
    this.resume();
  }

  // Loads the detector ahead of the first scan, while there is signal for it.
  async warm() {
    this.loading = this.loading || this.decoder();
    this.decode = await this.loading;
  }

  stop() {
    this.looking = false;
    if (this.stream) for (const track of this.stream.getTracks()) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  pause() { this.looking = false; }

  resume() {
    if (this.looking || !this.stream) return;
    this.looking = true;
    this.look();
  }

  get track() { return this.stream && this.stream.getVideoTracks()[0]; }

  get hasTorch() {
    const can = this.track && this.track.getCapabilities ? this.track.getCapabilities() : {};
    return Boolean(can.torch);
  }

  async torch(on) {
    if (this.track) await this.track.applyConstraints({ advanced: [{ torch: on }] });
  }

  async look() {
    while (this.looking) {
      if (this.video.readyState >= 2 && this.video.videoWidth) {
        performance.mark('desk-frame');
        const text = await this.decode().catch(() => '');
        if (text && this.looking) {
          performance.mark('desk-decoded');
          this.onText(text);
        }
      }
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }

  // A function that looks at the newest frame and answers with a text or ''.
  async decoder() {
    if ('BarcodeDetector' in window) {
      const known = await window.BarcodeDetector.getSupportedFormats().catch(() => []);
      if (known.includes('qr_code')) {
        const detector = new window.BarcodeDetector({ formats: ['qr_code'] });
        return async () => {
          const [found] = await detector.detect(this.video);
          return found ? found.rawValue : '';
        };
      }
    }
    const worker = new Worker(this.addresses.worker);
    worker.postMessage({ decoder: this.addresses.decoder });
    return () => new Promise((done, failed) => {
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = failed;
      const frame = this.frame();
      const message = { pixels: frame.data.buffer, width: frame.width, height: frame.height };
      worker.postMessage(message, [message.pixels]);
    });
  }

  // The square in the middle of the picture: what the frame on the screen shows.
  frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const crop = Math.min(width, height);
    const side = Math.min(crop, SIDE);
    this.canvas.width = side;
    this.canvas.height = side;
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(this.video, (width - crop) / 2, (height - crop) / 2, crop, crop, 0, 0, side, side);
    return context.getImageData(0, 0, side, side);
  }
}
