import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import { encodeError, encodeOk, readAttempt, type Attempt, type Judge } from './authentication.js';
import { CommandSplitter, type ClientCommand } from './command-splitter.js';
import type { RedisFaults } from './redis-faults.js';
import type { RedisStatistics } from './redis-statistics.js';
import { ReplyGate } from './reply-gate.js';

/** What all connections of all front doors share. */
export interface FrontDoorSettings {
  readonly secureContext: SecureContext;
  readonly faults: RedisFaults;
  readonly statistics: RedisStatistics;
  readonly judge: Judge;
  /** See {@link RedisBackend.passwords}. */
  readonly passwords: ReadonlyMap<string, string> | undefined;
  /** The server is up; before that it has only its replicas to serve. */
  readonly isServing: boolean;
  /** Replicas come through the front doors too, in the clear. */
  readonly hasReplicas: boolean;
  /** CLUSTER commands get the answer of the Enterprise policy. */
  readonly refusesClusterCommands: boolean;
  /** Milliseconds on the clock that tokens expire by. */
  now(): number;
}

/** Injected errors leave these alone: a client must come as far as its first real command. */
const HANDSHAKE = ['HELLO', 'CLIENT', 'SELECT', 'INFO', 'CLUSTER', 'RESET'];

/** A password that no user has, so that Redis itself says WRONGPASS. */
const WRONG_PASSWORD = 'not-the-password';

/** What Redis Enterprise says to CLUSTER SLOTS where its OSS Cluster API is off. */
const CLUSTER_REFUSED = 'ERR command is not allowed';

const WRONGPASS = 'WRONGPASS invalid username-password pair or user is disabled.';
const NOAUTH = 'NOAUTH Authentication required.';

/** A peer that does not read its last replies, or a Redis that does not give them, is cut off after this time. */
const CLOSE_GRACE_MS = 1_000;
/** The longest time that a Node timer can count. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One client on its way through the front door to Redis. */
export class FrontDoorConnection {
  readonly #settings: FrontDoorSettings;
  /** The socket below TLS: only this one can send a reset. */
  readonly #raw: Socket;
  readonly #client: TLSSocket;
  readonly #redis: Socket;
  readonly #splitter = new CommandSplitter();
  readonly #replies: ReplyGate;
  /** Commands that wait for a stall or a slow AUTH to end. */
  readonly #waiting: ClientCommand[] = [];
  #isHeld = false;
  #isLost = false;
  #objectId: string | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;
  #authDelay: NodeJS.Timeout | undefined;

  constructor(raw: Socket, redisAddress: NetConnectOpts, settings: FrontDoorSettings) {
    this.#settings = settings;
    this.#raw = raw;
    this.#client = new TLSSocket(raw, { isServer: true, secureContext: settings.secureContext });
    this.#redis = connect(redisAddress);
    this.#replies = new ReplyGate(this.#client, this.#redis, settings.faults);
    raw.setNoDelay(true);
    this.#redis.setNoDelay(true);
    this.#redis.on('data', (chunk: Buffer) => this.#replies.push(chunk));
    this.#redis.on('error', () => this.#redis.destroy());
    this.#redis.on('close', () => this.#replies.finish(() => this.#closeSoftly()));
    this.#redis.on('drain', () => this.#client.resume());
    this.#client.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#client.on('end', () => this.#clientEnded());
    this.#client.on('error', () => this.#client.destroy());
    this.#client.on('close', () => this.#dispose());
  }

  get objectId(): string | undefined {
    return this.#objectId;
  }

  close(how: 'fin' | 'rst'): void {
    if (how === 'rst') {
      // A socket that is being shut down cannot be reset, and would never say 'close' then.
      if (this.#closing) this.#raw.destroy();
      else this.#raw.resetAndDestroy();
      this.#client.destroy();
      this.#dispose();
    } else {
      this.#closeSoftly();
    }
  }

  /** From now on nothing gets through, in either direction, ever. */
  lose(): void {
    this.#isLost = true;
    this.#replies.lose();
    this.#redis.destroy();
    clearTimeout(this.#expiry);
  }

  /** Goes on with what waited, when nothing holds it back any more. */
  resume(): void {
    if (this.#isLost) return;
    this.#replies.flush();
    this.#redis.cork();
    while (!this.#isHeld && !this.#settings.faults.isStalled) {
      const command = this.#waiting.shift();
      if (!command) break;
      this.#handle(command);
    }
    this.#redis.uncork();
    if (this.#client.readableEnded) this.#endWhenAllIsSent();
  }

  #read(chunk: Buffer): void {
    // What comes after the end was decided must not reach Redis any more.
    if (this.#isLost || this.#closing) return;
    this.#redis.cork();
    this.#splitter.push(chunk, (command) => {
      this.#settings.statistics.commands += 1;
      if (this.#isHeld || this.#settings.faults.isStalled || this.#waiting.length > 0) {
        this.#waiting.push(command);
      } else {
        this.#handle(command);
      }
    });
    this.#redis.uncork();
    if (this.#redis.writableNeedDrain) this.#client.pause();
  }

  #handle(command: ClientCommand): void {
    const { name } = command;
    const attempt = readAttempt(command, name);
    if (attempt) this.#authenticate(attempt);
    else this.#redis.write(this.#replacementFor(name) ?? command.bytes);
  }

  #replacementFor(name: string): Buffer | undefined {
    if (name === '' || name === 'AUTH' || name === 'QUIT') return undefined;
    if (!this.#settings.passwords && this.#objectId === undefined) return encodeError(NOAUTH);
    if (name === 'CLUSTER' && this.#settings.refusesClusterCommands) {
      return encodeError(CLUSTER_REFUSED);
    }
    if (HANDSHAKE.includes(name)) return undefined;
    const failure = this.#settings.faults.takeCommandFailure();
    return failure === undefined ? undefined : encodeError(failure);
  }

  #authenticate(attempt: Attempt): void {
    const { authDelayMs } = this.#settings.faults;
    if (authDelayMs <= 0) {
      this.#redis.write(this.#verdict(attempt));
      return;
    }
    this.#isHeld = true;
    this.#authDelay = setTimeout(() => {
      this.#isHeld = false;
      if (this.#isLost) return;
      this.#redis.write(this.#verdict(attempt));
      this.resume();
    }, authDelayMs).unref();
  }

  /** What Redis gets to see of the attempt. */
  #verdict(attempt: Attempt): Buffer {
    const { judge, faults, passwords, statistics } = this.#settings;
    const accepted = faults.takeAuthRejection()
      ? undefined
      : judge(attempt.password, attempt.username);
    if (!accepted) {
      statistics.rejected += 1;
      return passwords ? attempt.withPassword(WRONG_PASSWORD) : encodeError(WRONGPASS);
    }
    statistics.auths += 1;
    this.#objectId = accepted.objectId;
    this.#expireAt(accepted.expiresAt);
    const password = passwords?.get(accepted.objectId);
    return password === undefined
      ? (attempt.withoutCredentials() ?? encodeOk())
      : attempt.withPassword(password);
  }

  /** The newest token decides, even when it ends sooner than the one before. */
  #expireAt(expiresAt: number): void {
    clearTimeout(this.#expiry);
    const left = Math.min(expiresAt - this.#settings.now(), MAX_TIMER_MS);
    this.#expiry = setTimeout(() => {
      this.#settings.statistics.expired += 1;
      this.#closeSoftly();
    }, left).unref();
  }

  #clientEnded(): void {
    this.#cutOffLater();
    this.#endWhenAllIsSent();
  }

  #endWhenAllIsSent(): void {
    if (this.#waiting.length === 0) this.#redis.end();
  }

  #closeSoftly(): void {
    if (this.#isLost || this.#client.destroyed) return;
    clearTimeout(this.#expiry);
    this.#client.destroySoon();
    this.#cutOffLater();
  }

  #cutOffLater(): void {
    this.#closing ??= setTimeout(() => this.#client.destroy(), CLOSE_GRACE_MS).unref();
  }

  #dispose(): void {
    clearTimeout(this.#expiry);
    clearTimeout(this.#authDelay);
    clearTimeout(this.#closing);
    this.#isLost = true;
    this.#replies.lose();
    this.#redis.destroy();
    this.#raw.destroy();
  }
}
