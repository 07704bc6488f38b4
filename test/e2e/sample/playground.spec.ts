import { startLocalAzure } from 'nestjs-azure-redis/testing';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { startPlayground } from './playground-gateway.js';
import type { PlaygroundGateway } from './playground-gateway.js';
import { launchBrowser, PlaygroundPage } from './playground-page.js';

/** Long enough for a test to look at a token, short enough to wait for its end. */
const TOKEN_LIFETIME_MS = 10_000;

describe('the playground in a browser', { timeout: 60_000 }, () => {
  let azure: LocalAzure;
  let browser: Browser;
  let gateway: PlaygroundGateway;
  let questions = 0;

  /** A question that no test asked before. */
  const newQuestion = (): string => `What is a cache, part ${++questions}?`;
  const open = (options?: BrowserContextOptions): Promise<PlaygroundPage> =>
    PlaygroundPage.open(browser, gateway.url, options);
  async function expectNoTrouble(visitor: PlaygroundPage): Promise<void> {
    expect(await visitor.problems()).toEqual([]);
    expect(visitor.complaints).toEqual([]);
  }

  beforeAll(async () => {
    azure = await startLocalAzure({ tokenLifetimeMs: TOKEN_LIFETIME_MS });
    browser = await launchBrowser(inject('chromium'));
  }, 60_000);
  beforeEach(async () => {
    gateway = await startPlayground(azure);
  });
  afterEach(async () => {
    azure.entra.recover();
    for (const context of browser.contexts()) await context.close();
    await gateway.close();
  });
  afterAll(async () => {
    await browser.close();
    await azure.stop();
  });

  it('streams an answer, and gives it at once the second time', async () => {
    const visitor = await open();
    await visitor.hasFigure('hit-rate', '–');
    const suggestion = visitor.page.getByRole('button', { name: 'What is Redis?', exact: true });
    await suggestion.click();
    await visitor.exchange().and(visitor.page.locator('[data-state=streaming]')).waitFor();
    const beginning = await visitor.exchange().locator('.answer').innerText();
    const miss = await visitor.answer();
    expect(miss.chip).toBe('MISS');
    expect(miss.text.length).toBeGreaterThan(beginning.length);
    expect(miss.text.startsWith(beginning)).toBe(true);

    await suggestion.click();
    await visitor.page.locator('.exchange:nth-child(2)').waitFor();
    const hit = await visitor.answer();
    expect(hit).toMatchObject({ chip: 'HIT', text: miss.text });
    expect(hit.totalMs).toBeLessThan(miss.totalMs / 2);
    expect(gateway.models.requests).toBe(1);
    await expectNoTrouble(visitor);
  });

  it('counts requests, model calls and what was saved as it happens', async () => {
    const visitor = await open();
    const question = newQuestion();
    await visitor.ask(question);
    await visitor.hasFigure('hit-rate', '0 %');
    await visitor.hasFigure('saved-tokens', /^0$/);
    await visitor
      .exchange()
      .getByRole('button', { name: `Ask again: ${question}` })
      .click();
    await visitor.hasFigure('hit-rate', '50 %');
    await visitor.hasFigure('requests', /^2$/);
    await visitor.hasFigure('upstream-calls', /^1$/);
    await visitor.hasFigure('saved-tokens', /^[1-9]\d+$/);
    await visitor.hasFigure('saved-cost', /^\$0\.0000[1-9]/);
    await visitor.hasFigure('saved-time', /^[1-9]?\d\.\d s$/);
    await expectNoTrouble(visitor);
  });

  it('rotates the token now, on connections that stay', async () => {
    const visitor = await open();
    await visitor.hasFigure('redis-state', 'Connected');
    const connections = await visitor.figure('connections');
    const issued = azure.entra.issued.length;
    await visitor.fault('Rotate the token now');
    await visitor.hasNews('New token from Entra');
    await visitor.hasNews('Connection signed in again, kept open');
    expect(azure.entra.issued.length).toBeGreaterThan(issued);
    expect(await visitor.figure('connections')).toBe(connections);
    expect(Number(await visitor.figure('rotations'))).toBeGreaterThan(0);
    const question = newQuestion();
    await visitor.ask(question);
    expect((await visitor.ask(question)).chip).toBe('HIT');
    expect(azure.redis.expired).toBe(0);
    await expectNoTrouble(visitor);
  });

  it('counts down to the expiry of the token', async () => {
    const visitor = await open();
    await visitor.hasFigure('token-clock', '0:08');
    await visitor.hasFigure('token-clock', '0:07');
    await expectNoTrouble(visitor);
  });

  it('answers all through an outage of Entra, also when the token has run out', async () => {
    const visitor = await open();
    const question = newQuestion();
    await visitor.ask(question);
    await visitor.fault('Take Entra away');
    await visitor.hasFigure('token-state', 'Entra is away. Still signed in.');
    expect((await visitor.ask(question)).chip).toBe('HIT');

    await visitor.hasFigure('token-state', 'Expired. The model answers.');
    await visitor.hasFigure('token-clock', 'None');
    await visitor.hasFigure('connections', /^0$/);
    expect((await visitor.ask(question)).chip).toBe('MISS');
    expect((await visitor.ask(newQuestion())).chip).toBe('MISS');

    await visitor.fault('Give Entra back');
    await visitor.hasFigure('token-state', 'Renewed in time');
    await visitor.hasFigure('redis-state', 'Connected');
    await visitor.askUntilHit(question);
    await expectNoTrouble(visitor);
  });

  it('answers while its Redis connections are killed, and has new ones at once', async () => {
    const visitor = await open();
    const question = newQuestion();
    await visitor.ask(question);
    await visitor.fault('Kill Redis connections');
    const { text } = await visitor.ask(question);
    expect(text).toContain(question);
    await visitor.hasNews('Connection to Redis lost');
    await visitor.hasNews('Connected to Redis');
    await visitor.hasFigure('redis-state', 'Connected');
    await visitor.askUntilHit(question);
    await expectNoTrouble(visitor);
  });

  it('says that the gateway is gone, and finds it again by itself', async () => {
    const visitor = await open();
    const { port } = new URL(gateway.url);
    await gateway.close();
    await visitor.page.getByText('Gateway not reachable, trying again…').waitFor();
    await visitor.page.locator('#panels[aria-busy=true]').waitFor();
    gateway = await startPlayground(azure, { port });
    await visitor.isLive();
    await visitor.page.locator('#panels[aria-busy=false]').waitFor();
    expect((await visitor.ask(newQuestion())).chip).toBe('MISS');
  });

  it('says why there is no answer, and asks again when it is told to', async () => {
    const visitor = await open();
    await gateway.models.close();
    const question = newQuestion();
    await visitor.page.getByLabel('Your question').fill(question);
    await visitor.page.keyboard.press('Enter');
    await visitor.page
      .getByRole('alert')
      .getByText('The model server cannot be reached.')
      .waitFor();
    await visitor.page.getByRole('button', { name: `Try again: ${question}` }).click();
    await visitor.page.locator('.exchange:nth-child(2)[data-state=failed]').waitFor();
    expect(await visitor.problems()).toHaveLength(2);
  });

  it('has no fault buttons on a real Azure, and says why', async () => {
    await gateway.close();
    gateway = await startPlayground(azure, { hasFaults: false });
    const visitor = await open();
    await visitor.page.getByText('Only with the local Azure').waitFor();
    expect(await visitor.page.getByRole('button', { name: 'Entra' }).count()).toBe(0);
    const { status } = await visitor.page.request
      .post(`${gateway.url}/playground/faults/rotate-token`, {
        headers: { origin: gateway.url },
      })
      .then((response) => ({ status: response.status() }));
    expect(status).toBe(404);
  });
});
