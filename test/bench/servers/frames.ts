import { setImmediate as nextTurn } from 'node:timers/promises';
import { STREAM_FRAMES } from './sample-answers.js';

/** The frames of a model, one per turn of the event loop; all streams can be held half way. */
export class Frames {
  #isHeld = false;
  #goOn: () => void = () => undefined;
  #gate: Promise<void> = Promise.resolve();

  hold(): void {
    this.#isHeld = true;
    this.#gate = new Promise((resolve) => (this.#goOn = resolve));
  }

  release(): void {
    this.#isHeld = false;
    this.#goOn();
  }

  async *send(): AsyncGenerator<Buffer> {
    for (const [index, frame] of STREAM_FRAMES.entries()) {
      if (this.#isHeld && index === STREAM_FRAMES.length / 2) await this.#gate;
      yield Buffer.from(frame);
      await nextTurn();
    }
  }
}
