import { createClient, createCluster, type RedisClientOptions } from 'redis';
import type { WorkLog } from './work-log.js';

const TAGS = 24;

export interface NodeRedisSetup {
  readonly topology: 'standalone' | 'cluster';
  /** Address, TLS and credentials of every connection. */
  readonly options: Pick<RedisClientOptions, 'credentialsProvider'> & {
    socket: { host: string; port: number; tls: true; ca: string; servername: string };
  };
}

/** One way to look at a client of either topology: what the jobs need. */
interface Client {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
  rpush(key: string, value: string): Promise<unknown>;
  blpop(key: string, seconds: number): Promise<unknown>;
  xadd(key: string, value: string): Promise<unknown>;
  xread(key: string, id: string, blockMs: number): Promise<unknown>;
  transaction(key: string, value: string): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  close(): Promise<unknown>;
}

/** The same kinds of work as `startWork()` does on ioredis, save the open MULTI that node-redis advises against. */
export async function startNodeRedisWork(setup: NodeRedisSetup, log: WorkLog): Promise<void> {
  const connect = (): Promise<Client> => connectClient(setup, log);
  const [main, consumer, patient, reader, subscriber] = await Promise.all([
    connect(),
    connect(),
    connect(),
    connect(),
    connect(),
  ]);
  await subscriber.subscribe('news', (message) => log.received(message));
  let step = 0;
  const key = (kind: string): string => `{${Math.floor(Math.random() * TAGS)}}:${kind}`;
  const next = (): string => String((step += 1));
  const between = (from: number, to: number) => (): number => from + Math.random() * (to - from);

  log.repeat('GET and SET', between(20, 80), async () => {
    const own = key('value');
    await main.set(own, next());
    await main.get(own);
  });
  log.repeat('auto-pipelining', between(40, 120), async () => {
    await Promise.all([1, 2, 3, 4, 5].map(() => main.set(key('auto'), next())));
  });
  log.repeat('MULTI', between(40, 120), () => main.transaction(key('multi'), next()));
  log.repeat('BLPOP', between(5, 5), () => consumer.blpop('list:BLPOP', between(0.2, 2)()));
  log.repeat('RPUSH', between(100, 1_600), () => main.rpush('list:BLPOP', next()));
  log.repeat('BLPOP 0', between(5, 5), () => patient.blpop('list:BLPOP 0', 0));
  log.repeat('RPUSH', between(500, 4_000), () => main.rpush('list:BLPOP 0', next()));
  log.repeat('XREAD BLOCK', between(5, 5), () => reader.xread('stream', '$', 2_000));
  log.repeat('XADD', between(50, 2_500), () => main.xadd('stream', next()));
  log.repeat('PUBLISH', between(20, 80), async () => {
    const message = log.nextMessage();
    await main.publish('news', message);
    log.published(message);
  });
  log.repeat('duplicates', between(150, 650), async () => {
    const copy = await connect();
    try {
      await copy.get('key');
    } finally {
      await copy.close();
    }
  });
}

async function connectClient(setup: NodeRedisSetup, log: WorkLog): Promise<Client> {
  const { options, topology } = setup;
  if (topology === 'standalone') {
    const client = createClient({ ...options, RESP: 3 });
    client.on('error', (error: unknown) => log.errorEvent(error));
    await client.connect();
    return {
      ...commands(client),
      transaction: (key, value) => client.multi().set(key, value).get(key).exec(),
      close: () => client.close(),
    };
  }
  const cluster = createCluster({
    rootNodes: [options],
    defaults: { ...options, socket: withoutAddress(options.socket) },
    RESP: 3,
  });
  cluster.on('error', (error: unknown) => log.errorEvent(error));
  await cluster.connect();
  return {
    ...commands(cluster),
    transaction: (key, value) => cluster.multi().set(key, value).get(key).exec(),
    close: () => cluster.close(),
  };
}

type Commands = Pick<
  ReturnType<typeof createClient>,
  'set' | 'get' | 'publish' | 'rPush' | 'blPop' | 'xAdd' | 'xRead' | 'subscribe'
>;

function commands(client: unknown): Omit<Client, 'transaction' | 'close'> {
  // createClient() and createCluster() have these in common, and types that do not show it.
  const redis = client as Commands;
  return {
    set: (key, value) => redis.set(key, value),
    get: (key) => redis.get(key),
    publish: (channel, message) => redis.publish(channel, message),
    rpush: (key, value) => redis.rPush(key, value),
    blpop: (key, seconds) => redis.blPop(key, seconds),
    xadd: (key, value) => redis.xAdd(key, '*', { n: value }),
    xread: (key, id, blockMs) => redis.xRead({ key, id }, { BLOCK: blockMs }),
    subscribe: (channel, listener) => redis.subscribe(channel, listener),
  };
}

const withoutAddress = ({ tls, ca, servername }: NodeRedisSetup['options']['socket']) => ({
  tls,
  ca,
  servername,
});
