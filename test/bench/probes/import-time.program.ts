// What every Nest application has loaded already.
await Promise.all([
  import('reflect-metadata'),
  import('rxjs'),
  import('@nestjs/common'),
  import('@nestjs/core'),
]);
const startedAt = performance.now();
await import('nestjs-azure-redis');
process.stdout.write(String(performance.now() - startedAt));
process.exit();
