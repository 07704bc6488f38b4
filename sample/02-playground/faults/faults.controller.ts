import { Controller, HttpCode, Inject, Post, UseGuards } from '@nestjs/common';
import { LiveState } from '../server/live-state.js';
import { FAULT_TARGET } from './fault-target.js';
import type { FaultTarget } from './fault-target.js';
import { LocalCallerGuard } from './local-caller.guard.js';

/** What goes wrong in production, on demand. */
@Controller('playground/faults')
@UseGuards(LocalCallerGuard)
export class FaultsController {
  readonly #target: FaultTarget;
  readonly #state: LiveState;

  constructor(@Inject(FAULT_TARGET) target: FaultTarget, state: LiveState) {
    this.#target = target;
    this.#state = state;
  }

  @Post('rotate-token')
  @HttpCode(204)
  rotateToken(): void {
    this.#target.credential.rotate();
  }

  @Post('take-entra-away')
  @HttpCode(204)
  takeEntraAway(): void {
    this.#target.azure.entra.disconnect();
    // Otherwise nobody would notice until the token is due.
    this.#target.credential.rotate();
    this.#state.entra = 'away';
  }

  @Post('give-entra-back')
  @HttpCode(204)
  giveEntraBack(): void {
    this.#target.azure.entra.recover();
    this.#state.entra = 'there';
  }

  @Post('kill-connections')
  @HttpCode(204)
  killConnections(): void {
    this.#target.azure.redis.kill('rst');
  }
}
