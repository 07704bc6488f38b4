import { LocalAzureError } from '../testing/local-azure.errors.js';
import { nearestName } from '../options/nearest-name.js';
import { packageVersion } from './package-version.js';
import { EXIT, type Surroundings } from './surroundings.js';
import { UsageError } from './usage-error.js';

type Command = (args: readonly string[], surroundings: Surroundings) => Promise<number>;

/** Loaded when it is used: `--help` needs neither ioredis nor a local Azure. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  doctor: async () => (await import('./doctor/doctor.js')).doctor,
  local: async () => (await import('./local/local.js')).local,
};

const HELP = `Usage: npx nestjs-azure-redis <command> [flags]

  doctor   checks the way to Azure Redis step by step, and says what to do
  local    a local Azure on this machine: Entra, TLS front door and a real Redis

  --help, --version; "<command> --help" shows its flags
`;

/** Runs a command to its end; resolves with the exit code. */
export async function runCommandLine(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const [name = '', ...rest] = args;
  const { stdout, stderr } = surroundings;
  switch (name) {
    case '':
      stderr.write(HELP);
      return EXIT.usage;
    case '--help':
    case '-h':
    case 'help':
      stdout.write(HELP);
      return EXIT.ok;
    case '--version':
      stdout.write(`${packageVersion()}\n`);
      return EXIT.ok;
    default:
      return runCommand(name, rest, surroundings);
  }
}

async function runCommand(
  name: string,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { stderr } = surroundings;
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  try {
    if (load === undefined) throw unknownCommand(name);
    const command = await load();
    return await command(args, surroundings);
  } catch (error) {
    if (error instanceof UsageError) {
      const command = load === undefined ? '' : `${name} `;
      stderr.write(
        `${error.message}\nnpx nestjs-azure-redis ${command}--help shows what it knows.\n`,
      );
      return EXIT.usage;
    }
    if (!(error instanceof LocalAzureError)) throw error;
    stderr.write(`${error.message}\n`);
    return EXIT.failed;
  }
}

function unknownCommand(name: string): UsageError {
  const nearest = nearestName(name, Object.keys(COMMANDS));
  const advice = nearest === undefined ? 'Use doctor or local.' : `Did you mean ${nearest}?`;
  return new UsageError(`Expected a command, got an unknown name. ${advice}`);
}
