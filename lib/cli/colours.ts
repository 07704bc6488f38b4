import type { Environment } from '../options/from-environment.js';
import type { Output } from './surroundings.js';

const SGR = { green: 32, red: 31, yellow: 33, dim: 2, bold: 1 } as const;

export type Colour = keyof typeof SGR;

/** Text in a colour, where the reader can see it. */
export type Paint = (colour: Colour, text: string) => string;

/**
 * `FORCE_COLOR` before `NO_COLOR`, as Node has it; else terminals get colours. Not `styleText()`
 * of Node: before 22.13 it knows no stream but stdout.
 */
export function painter({ isTTY = false }: Pick<Output, 'isTTY'>, env: Environment): Paint {
  const { FORCE_COLOR: forced = '', NO_COLOR: refused = '', TERM: terminal } = env;
  const isWanted =
    forced === ''
      ? refused === '' && isTTY && terminal !== 'dumb'
      : !['0', 'false'].includes(forced);
  return (colour, text) => (isWanted ? `\u001B[${SGR[colour]}m${text}\u001B[0m` : text);
}
