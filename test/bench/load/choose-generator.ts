import type { Workspace } from '../../../lib/testing/workspace.js';
import { isInstalled } from '../run/programs.js';
import { Autocannon } from './autocannon.js';
import type { LoadGenerator } from './load.interface.js';
import { Wrk } from './wrk.js';

export async function chooseGenerator(workspace: Workspace): Promise<LoadGenerator> {
  return (await isInstalled('wrk')) ? new Wrk(workspace) : new Autocannon();
}
