import { inspect } from 'node:util';

const STREAMS = ['stdout', 'stderr'] as const;
/** Every JWT starts with the Base64 of `{"`, its header. */
const JWT = /eyJ[\w-]{8,}/;

/** What only the whole process can tell: output, warnings, and rejections that nobody handles. */
export class ProcessWatch implements Disposable {
  readonly problems: string[] = [];
  readonly #secrets = new Set<string>();
  readonly #undo: (() => void)[] = [];

  constructor() {
    for (const name of STREAMS) this.#listenTo(name);
    this.#listenToConsole();
    this.#on('warning', (warning) => this.#warned(warning));
    this.#on('unhandledRejection', (reason) => this.#unhandled('rejection', reason));
    this.#on('uncaughtExceptionMonitor', (error) => this.#unhandled('exception', error));
  }

  addSecret(secret: string): void {
    this.#secrets.add(secret);
  }

  readonly containsSecret = (text: string): boolean =>
    JWT.test(text) || [...this.#secrets].some((secret) => text.includes(secret));

  [Symbol.dispose](): void {
    for (const undo of this.#undo) undo();
  }

  #listenTo(name: (typeof STREAMS)[number]): void {
    const stream = process[name];
    const { write } = stream;
    stream.write = (chunk: string | Uint8Array, ...rest: never[]) => {
      this.#check(name, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      return write.call(stream, chunk, ...rest);
    };
    this.#undo.push(() => Object.assign(stream, { write }));
  }

  /** Vitest takes the console away from stdout. */
  #listenToConsole(): void {
    const original = { ...globalThis.console };
    for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      Object.assign(globalThis.console, {
        [name]: (...values: unknown[]) => {
          this.#check(`console.${name}`, values.map((value) => inspect(value)).join(' '));
          original[name](...values);
        },
      });
    }
    this.#undo.push(() => Object.assign(globalThis.console, original));
  }

  #on(event: string, listener: (value: unknown) => void): void {
    process.on(event, listener);
    this.#undo.push(() => process.off(event, listener));
  }

  /** Node warns of listeners that are added again and again. */
  #warned(warning: unknown): void {
    if (warning instanceof Error && warning.name === 'MaxListenersExceededWarning') {
      this.problems.push(inspect(warning));
    }
    this.#check('a warning', inspect(warning));
  }

  #unhandled(what: string, reason: unknown): void {
    this.problems.push(`unhandled ${what}: ${inspect(reason)}`);
    this.#check(`an unhandled ${what}`, inspect(reason));
  }

  #check(where: string, text: string): void {
    if (this.containsSecret(text)) this.problems.push(`${where} shows a token or a secret`);
  }
}
