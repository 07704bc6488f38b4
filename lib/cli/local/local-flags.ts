/** The options of `local`, for `parseArgs()`. */
export const LOCAL_FLAGS = {
  cluster: { type: 'boolean' },
  port: { type: 'string' },
  'token-lifetime': { type: 'string' },
  'write-env': { type: 'string' },
  'allow-javascript-redis': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const LOCAL_FLAG_ADVICE = {
  // Node looks for it among all arguments, and ends at once when the file is not there.
  'env-file': 'Node itself takes it: write --write-env <path>.',
};

export const LOCAL_HELP = `Usage: npx nestjs-azure-redis local [flags]

A local Azure on the loopback interface: Entra, managed identity endpoints, TLS front door and a
real Redis. Prints the environment for an application, and runs until Ctrl-C.

  --cluster                 3 masters, as with the OSS policy; default: one endpoint
  --port NUMBER             port of Redis; the nodes of a cluster take the next ones; default: free ones
  --token-lifetime TIME     e.g. 60s, to see tokens rotate; default 1h, at least 2s
  --write-env PATH          write the environment there too (KEY=value); removed at the end
  --allow-javascript-redis  without redis-server on PATH use the package js-redis-server
  --help

The secret that it prints is worth nothing elsewhere, and nothing after the end.
`;
