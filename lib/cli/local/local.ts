import type { LocalAzure } from '../../testing/local-azure.interface.js';
import { startLocalAzure } from '../../testing/local-azure.js';
import { painter } from '../colours.js';
import { readDuration } from '../duration.js';
import { readFlags } from '../read-flags.js';
import { EXIT, type Surroundings } from '../surroundings.js';
import { readPort } from './read-port.js';
import { EnvironmentFile } from './environment-file.js';
import { LOCAL_FLAG_ADVICE, LOCAL_FLAGS, LOCAL_HELP } from './local-flags.js';
import { asShell } from './quoting.js';

/** Below 2 s a token is about to expire when it arrives; longer timers than 24 d do not exist. */
const LIFETIMES = { min: 2_000, max: 86_400_000 };

/** Runs a local Azure until it is interrupted; resolves with the exit code. */
export async function local(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const flags = readFlags(args, LOCAL_FLAGS, LOCAL_FLAG_ADVICE);
  const { stdout } = surroundings;
  if (flags.help === true) {
    stdout.write(LOCAL_HELP);
    return EXIT.ok;
  }
  const lifetime = flags['token-lifetime'];
  const options = {
    topology: flags.cluster === true ? ('cluster' as const) : ('standalone' as const),
    allowJavaScriptRedis: flags['allow-javascript-redis'] === true,
    ...(flags.port !== undefined && { port: readPort(flags.port, flags.cluster === true ? 3 : 1) }),
    ...(lifetime !== undefined && {
      tokenLifetimeMs: readDuration('token-lifetime', lifetime, LIFETIMES),
    }),
  };
  const path = flags['write-env'];
  const file = path === undefined ? undefined : await EnvironmentFile.at(path);
  // Before the start: Ctrl-C during it must not leave anything behind.
  const interrupted = surroundings.interruption();
  const azure = await startLocalAzure(options);
  try {
    await file?.write(azure.environment);
    stdout.write(announcement(azure, path, surroundings));
    await interrupted;
  } finally {
    await Promise.all([file?.remove(), azure.stop()]);
  }
  return EXIT.ok;
}

/** Lines that a shell can read, too: what is for people is a comment. */
function announcement(
  { environment, connection, redisDescription }: LocalAzure,
  path: string | undefined,
  { env, stdout }: Surroundings,
): string {
  const paint = painter(stdout, env);
  const isCluster = connection.topology === 'cluster';
  const code = isCluster
    ? "({ ...azureRedisOptionsFromEnv(), topology: 'cluster' })"
    : 'azureRedisOptionsFromEnv()';
  const doctor = `npx nestjs-azure-redis doctor${isCluster ? ' --topology cluster' : ''}`;
  const comments = [
    `Local Azure: ${redisDescription}`,
    `In code: AzureRedisModule.forRootAsync({ useFactory: () => ${code} })`,
    ...(isCluster ? ['No variable has the topology: it has to be set in code.'] : []),
    'The proxy leads to the local Entra and nowhere else: npm and the like need another shell.',
    ...(path === undefined ? [] : [`Written to ${path} too, until the end.`]),
  ];
  return [
    ...comments.map((comment) => paint('dim', `# ${comment}`)),
    ...asShell(environment),
    paint('dim', `# Check it: ${doctor}`),
    paint('dim', '# Ctrl-C ends it.'),
  ]
    .map((line) => `${line}\n`)
    .join('');
}
