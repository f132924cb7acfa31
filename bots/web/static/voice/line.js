// The WebSocket to the mascot: opened at the first need, JSON both ways, sound as bytes.
// Its messages stand in bots/web/voice/__init__.py.

const PATIENCE = 8000; // ms until the server has greeted
const SLICE = 48 * 1024; // bytes of one message
const HEAD = 8; // bytes before the sound: number of the question, number of the sentence

export class Line {
  constructor(csrf, { told, heard, lost }) {
    this.csrf = csrf;
    this.told = told; // a control message
    this.heard = heard; // (question, index, sound)
    this.lost = lost; // (close code), only of a line that was open
    this.socket = null;
    this.opening = null;
    this.ready = null; // the server's limits
    this.unheard = 0; // requests for silence that the server has not answered yet
  }

  get open() { return this.ready !== null; }

  // Resolves when the server has greeted; rejects with the close code, or 0.
  connect(hello) {
    if (this.open) return Promise.resolve();
    this.opening ??= this.#connect(hello).finally(() => { this.opening = null; });
    return this.opening;
  }

  #connect(hello) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/voice`);
      const late = setTimeout(() => socket.close(), PATIENCE);
      socket.binaryType = 'arraybuffer';
      socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', csrf: this.csrf, ...hello() }));
      socket.onmessage = ({ data }) => {
        if (typeof data !== 'string') { this.#sound(data); return; }
        const message = JSON.parse(data);
        if (message.type === 'ready') {
          clearTimeout(late);
          [this.socket, this.ready, this.unheard] = [socket, message, 0];
          resolve();
          return;
        }
        if (message.type === 'cut') this.unheard = Math.max(0, this.unheard - 1);
        this.told(message);
      };
      socket.onclose = ({ code }) => {
        clearTimeout(late);
        reject(code);
        if (this.socket !== socket) return;
        this.socket = this.ready = null;
        this.lost(code);
      };
    });
  }

  // What was sent before the server knew of our silence is not to be heard either.
  #sound(data) {
    if (this.unheard || data.byteLength <= HEAD) return;
    const head = new DataView(data);
    this.heard(head.getUint32(0), head.getUint32(4), data.slice(HEAD));
  }

  say(type, more = {}) {
    if (!this.open) return;
    if (type === 'start' || type === 'ask' || type === 'stop' || (type === 'aloud' && !more.on)) this.unheard += 1;
    this.socket.send(JSON.stringify({ type, ...more }));
  }

  sound(buffer) {
    for (let at = 0; this.open && at < buffer.byteLength; at += SLICE) this.socket.send(buffer.slice(at, at + SLICE));
  }

  close() {
    const { socket } = this;
    this.socket = this.ready = null;
    socket?.close();
  }
}
