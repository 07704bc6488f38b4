import { Controller, Get, Session, type INestApplication } from '@nestjs/common';
import { RedisStore } from 'connect-redis';
import session, { type SessionData } from 'express-session';
import { getAzureRedisToken } from 'nestjs-azure-redis';
import { expect, it } from 'vitest';
import { RotatingApplication, startRotatingAzure } from './rotating-application.js';

const VISITORS = 3;

@Controller()
class VisitsController {
  @Get('visits')
  visits(@Session() visitor: SessionData & { visits?: number }): { visits: number } {
    visitor.visits = (visitor.visits ?? 0) + 1;
    return { visits: visitor.visits };
  }
}

function keepSessionsInRedis(app: INestApplication): void {
  app.use(
    session({
      store: new RedisStore({ client: app.get(getAzureRedisToken()), prefix: 'session:' }),
      secret: 'of the test',
      resave: false,
      saveUninitialized: false,
    }),
  );
}

/** A browser: keeps its cookie and counts its own visits. */
class Visitor {
  readonly #url: string;
  #cookie: string | undefined;
  visits = 0;
  /** Cookies that were set: one more means that a session was lost. */
  sessions = 0;

  constructor(url: string) {
    this.#url = url;
  }

  async visit(): Promise<void> {
    const response = await fetch(`${this.#url}/visits`, {
      headers: this.#cookie === undefined ? {} : { cookie: this.#cookie },
    });
    this.visits += 1;
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) {
      this.#cookie = cookie.split(';')[0];
      this.sessions += 1;
    }
    expect({ status: response.status, answer: await response.json() }).toEqual({
      status: 200,
      answer: { visits: this.visits },
    });
  }
}

it(
  'keeps every session of express-session through rotations',
  { timeout: 60_000 },
  async (test) => {
    const azure = await startRotatingAzure(test);
    const application = await RotatingApplication.start(test, azure, {
      controllers: [VisitsController],
      prepare: keepSessionsInRedis,
    });
    const url = await application.app.getUrl();
    const visitors = Array.from({ length: VISITORS }, () => new Visitor(url));
    await application.during(8, () => Promise.all(visitors.map((visitor) => visitor.visit())));
    expect(visitors.map(({ sessions }) => sessions)).toEqual(visitors.map(() => 1));
    application.expectNoTrouble(azure);
  },
);
