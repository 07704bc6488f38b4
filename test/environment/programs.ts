import type { Program } from './program-plan.js';

const WSL = 'wsl --install (then run the tests inside WSL)';

export const REDIS: Program = {
  what: 'a real Redis',
  names: ['redis-server', 'valkey-server'],
  variable: 'REDIS_SERVER',
  provideVariable: 'REDIS_PROVIDE',
  debianPackage: 'redis-server',
  install: {
    brew: 'brew install redis',
    windows: WSL,
    dnf: 'dnf install -y redis',
    apk: 'apk add redis',
  },
};

export const CHROMIUM: Program = {
  what: 'a real browser',
  names: ['chromium', 'chromium-browser', 'google-chrome'],
  variable: 'CHROMIUM',
  provideVariable: 'CHROMIUM_PROVIDE',
  debianPackage: 'chromium',
  install: {
    brew: 'brew install --cask chromium (then set CHROMIUM to its executable)',
    windows: WSL,
    dnf: 'dnf install -y chromium',
    apk: 'apk add chromium',
  },
};
