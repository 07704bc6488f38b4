import type { ScriptReply, ScriptStore } from '../../../../lib/store/script-store.interface.js';

/** A store that answers the script of the epochs, when and as the test says. */
export function epochStore() {
  const state = { base: 'base:1', takesMs: 0, fails: false, throws: false };
  /** Names of each script that was sent. */
  const sent: string[][] = [];
  const versions: [name: string, version: number][] = [];
  const replyTo = (known: string, version: number): ScriptReply => {
    const isKnown = ([, at]: [string, number]): boolean => known === state.base && at <= version;
    const changes = versions.filter((entry) => !isKnown(entry)).flat();
    return [Buffer.from(state.base), changes.map((item) => Buffer.from(String(item)))];
  };
  const store: ScriptStore = {
    async runScript(_kind, _script, _keys, [base = '', version = 0, , , , , ...names]) {
      const texts = names.map(String);
      sent.push(texts);
      if (state.throws) throw new Error('unreachable');
      if (state.takesMs > 0) await new Promise((resolve) => setTimeout(resolve, state.takesMs));
      if (state.fails) return undefined;
      for (const name of texts) versions.push([name, versions.length + 1]);
      return replyTo(String(base), Number(version));
    },
  };
  return { state, sent, store };
}
