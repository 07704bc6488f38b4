import { expect, it } from 'vitest';
import { azureServiceOf } from '../../../../lib/cli/doctor/azure-service.js';

it.each([
  [
    'my.redis.cache.windows.net',
    /^az redis access-policy-assignment create .*--name my .*--object-id oid /,
  ],
  [
    'my.westeurope.redis.azure.net',
    /^az redisenterprise database access-policy-assignment create .*--cluster-name my .*--object-id oid$/,
  ],
])('%s: access is given with the command of its service', (host, command) => {
  expect(azureServiceOf(host)?.accessCommand('oid')).toMatch(command);
});

it.each(['redis.azure.net.example.com', 'myredis.azure.net', 'localhost', '10.0.0.4'])(
  '%s is no service that is known',
  (host) => {
    expect(azureServiceOf(host)).toBeUndefined();
  },
);
