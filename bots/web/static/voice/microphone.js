// The open microphone: frames of 32 ms, 16 kHz, mono, 16 bit, made beside the page's own work.

const LOUD = 0.02; // root mean square from which somebody may be speaking
const FRAMES = 3; // loud ones in a row
const CALM = 20; // quiet ones in a row

export class Microphone {
  constructor(context, stream, { frame, loud }) {
    this.context = context;
    this.stream = stream;
    this.frame = frame; // (ArrayBuffer, level)
    this.loud = loud; // (whether somebody may be speaking)
    this.run = 0;
    this.isLoud = false;
  }

  async open(worklet) {
    await this.context.audioWorklet.addModule(worklet);
    this.source = this.context.createMediaStreamSource(this.stream);
    this.node = new AudioWorkletNode(this.context, 'frames', { numberOfInputs: 1, numberOfOutputs: 1, channelCount: 1 });
    this.node.port.onmessage = ({ data }) => this.#take(data);
    this.source.connect(this.node).connect(this.context.destination); // silent; Safari runs no other
  }

  #take({ pcm, level }) {
    this.frame(pcm, level);
    const loud = level > LOUD;
    this.run = loud === this.isLoud ? 0 : this.run + 1;
    if (this.run < (this.isLoud ? CALM : FRAMES)) return;
    this.isLoud = loud;
    this.run = 0;
    this.loud(loud);
  }

  close() {
    if (this.node) this.node.port.onmessage = null;
    this.source?.disconnect();
    this.node?.disconnect();
    for (const track of this.stream.getTracks()) track.stop();
  }
}
