import { startLocalAzure } from 'nestjs-azure-redis/testing';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { LOW_CONTRAST, NAMELESS, OVERFLOWING } from './page-audit.js';
import { startPlayground } from './playground-gateway.js';
import type { PlaygroundGateway } from './playground-gateway.js';
import { launchBrowser, PlaygroundPage } from './playground-page.js';

const PHONE = { width: 390, height: 844 };
const SCREENS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [PHONE, { width: 1280, height: 860 }].map((viewport) => ({ colorScheme, viewport })),
);
const MANY_TABS = 30;

describe('the playground is for everybody', { timeout: 60_000 }, () => {
  let azure: LocalAzure;
  let browser: Browser;
  let gateway: PlaygroundGateway;

  beforeAll(async () => {
    azure = await startLocalAzure({ tokenLifetimeMs: 60_000 });
    browser = await launchBrowser(inject('chromium'));
    gateway = await startPlayground(azure);
  }, 60_000);
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await gateway.close();
    await browser.close();
    await azure.stop();
  });

  it.each(SCREENS)('fits, reads and is named: $colorScheme, $viewport.width px', async (screen) => {
    const visitor = await PlaygroundPage.open(browser, gateway.url, screen);
    const { page } = visitor;
    const question = `Is ${screen.colorScheme} at ${screen.viewport.width} ${'wide'.repeat(60)}?`;
    await visitor.ask(question);
    await visitor.ask(question);
    await visitor.fault('Take Entra away');
    await visitor.hasFigure('token-state', 'Entra is away');
    expect(await page.evaluate(OVERFLOWING)).toEqual([]);
    expect(await page.evaluate(LOW_CONTRAST)).toEqual([]);
    expect(await page.evaluate(NAMELESS)).toEqual([]);
    await visitor.fault('Give Entra back');
    await visitor.hasFigure('token-state', 'Renewed in time');
    expect(visitor.complaints).toEqual([]);
  });

  it('looks different in the dark', async () => {
    const background = async (colorScheme: 'light' | 'dark'): Promise<unknown> => {
      const { page } = await PlaygroundPage.open(browser, gateway.url, { colorScheme });
      return page.evaluate('getComputedStyle(document.body).backgroundColor');
    };
    expect(await background('light')).toBe('rgb(246, 246, 243)');
    expect(await background('dark')).toBe('rgb(17, 19, 23)');
  });

  it('has its landmarks and controls by role and name', async () => {
    const { page } = await PlaygroundPage.open(browser, gateway.url);
    for (const found of [
      page.getByRole('banner'),
      page.getByRole('main'),
      page.getByRole('complementary', { name: 'Live figures' }),
      page.getByRole('heading', { level: 1, name: 'nestjs-azure-redis' }),
      page.getByRole('list', { name: 'Sample questions' }),
      page.getByRole('textbox', { name: 'Your question' }),
      page.getByRole('region', { name: 'Entra token' }),
    ]) {
      expect(await found.count()).toBe(1);
    }
  });

  it('is used with the keyboard alone, and shows where the focus is', async () => {
    const { page, ...visitor } = await PlaygroundPage.open(browser, gateway.url);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the question');
    await page.keyboard.press('Enter');
    await page.keyboard.type('Does it work without a mouse?');
    await page.keyboard.press('Enter');
    await page.locator('.exchange[data-state=done]').waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('question');

    const stops: string[] = [];
    for (let tab = 0; tab < MANY_TABS && stops.at(-1) !== 'Rotate the token now'; tab++) {
      await page.keyboard.press('Tab');
      stops.push(String(await page.evaluate('document.activeElement.textContent')));
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe(
        'solid',
      );
    }
    expect(stops).toContain('Ask');
    await page.keyboard.press('Space');
    await page.locator('#news').getByText('New token from Entra').waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  it('tells a screen reader the answer once, when it is whole', async () => {
    const visitor = await PlaygroundPage.open(browser, gateway.url);
    const spoken = visitor.page.locator('#spoken');
    await visitor.page.evaluate(`{
      window.heard = [];
      new MutationObserver(() => window.heard.push(document.querySelector('#spoken').textContent))
        .observe(document.querySelector('#spoken'), { childList: true });
    }`);
    const { text } = await visitor.ask('What does a screen reader say?');
    await spoken.getByText(/^From the model, in/).waitFor();
    expect(await visitor.page.evaluate('window.heard')).toEqual([
      'Answering.',
      expect.stringContaining(text),
    ]);
    expect(await visitor.page.locator('.exchanges').getAttribute('aria-live')).toBeNull();
  });

  it.each([
    ['moves while it waits', 'no-preference', 1],
    ['holds still for those who want that', 'reduce', 0],
  ] as const)('%s', async (_, reducedMotion, animations) => {
    const { page } = await PlaygroundPage.open(browser, gateway.url, { reducedMotion });
    await page.getByLabel('Your question').fill(`Does it move (${reducedMotion})?`);
    await page.keyboard.press('Enter');
    await page.locator('.exchange[data-state=streaming]').waitFor();
    const running = `document.getAnimations().filter(({ animationName }) => animationName).length`;
    expect(await page.evaluate(running)).toBe(animations);
  });
});
