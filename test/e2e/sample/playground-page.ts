import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';

/** Chromium refuses its sandbox to root. */
const SANDBOX = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: SANDBOX });
}

/** The page as a visitor has it, and what the browser complains about. */
export class PlaygroundPage {
  readonly complaints: string[] = [];

  private constructor(readonly page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<PlaygroundPage> {
    const opened = new PlaygroundPage(await browser.newPage(options));
    opened.page.setDefaultTimeout(15_000);
    await opened.page.goto(url);
    await opened.isLive();
    return opened;
  }

  isLive(): Promise<void> {
    return this.page.locator('#link[data-state=live]').waitFor();
  }

  /** Asks and waits for the end; returns the chip, `HIT` or `MISS`, and the answer. */
  async ask(question: string): Promise<{ chip: string; text: string; totalMs: number }> {
    await this.page.getByLabel('Your question').fill(question);
    await this.page.getByRole('button', { name: 'Ask', exact: true }).click();
    return this.answer();
  }

  /** After a reconnect the cache gives nothing until it knows what was invalidated meanwhile. */
  async askUntilHit(question: string): Promise<void> {
    for (let asked = 0; asked < 10; asked += 1) {
      if ((await this.ask(question)).chip === 'HIT') return;
    }
    throw new Error('Ten answers, and none from the cache.');
  }

  /** The newest answer, once it is whole. */
  async answer(): Promise<{ chip: string; text: string; totalMs: number }> {
    const exchange = this.exchange();
    await exchange.and(this.page.locator('[data-state=done]')).waitFor();
    return {
      chip: await exchange.locator('.chip').innerText(),
      text: await exchange.locator('.answer').innerText(),
      totalMs: inMilliseconds(await exchange.locator('dt:text-is("Total") + dd').innerText()),
    };
  }

  exchange(): Locator {
    return this.page.locator('.exchange').last();
  }

  figure(id: string): Promise<string> {
    return this.page.locator(`#${id}`).innerText();
  }

  async hasFigure(id: string, text: string | RegExp): Promise<void> {
    await this.page.locator(`#${id}`).filter({ hasText: text }).waitFor();
  }

  fault(name: string): Promise<void> {
    return this.page.getByRole('button', { name }).click();
  }

  async hasNews(text: string): Promise<void> {
    await this.page.locator('#news').getByText(text).first().waitFor();
  }

  problems(): Promise<string[]> {
    return this.page.locator('.problem:not(:empty)').allInnerTexts();
  }
}

function inMilliseconds(text: string): number {
  return Number.parseFloat(text) * (text.endsWith(' ms') ? 1 : 1_000);
}
