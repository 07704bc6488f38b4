import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What runs as a process of its own. */
const PROGRAMS = [
  'main.ts',
  'load/autocannon.program.ts',
  'probes/import-time.program.ts',
  'servers/bare.server.ts',
  'servers/connections.server.ts',
  'servers/fetch.server.ts',
  'servers/nest.server.ts',
];

export default defineConfig({
  resolve: { alias: { 'nestjs-azure-redis': path('../../lib/index.ts') } },
  build: {
    ssr: true,
    outDir: path('dist'),
    emptyOutDir: true,
    target: 'node20',
    minify: false,
    rolldownOptions: {
      input: PROGRAMS.map((program) => path(program)),
      // One file per module, as `nest build` makes it: what is measured is what users load.
      output: {
        preserveModules: true,
        preserveModulesRoot: path('../..'),
        entryFileNames: '[name].js',
      },
    },
  },
});
