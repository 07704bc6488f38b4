import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { FAULT_TARGET } from './faults/fault-target.js';
import type { FaultTarget } from './faults/fault-target.js';
import { FaultsController } from './faults/faults.controller.js';
import { EventsController } from './server/events.controller.js';
import { PageController } from './server/page.controller.js';
import { LiveState, PLAYGROUND_MODEL } from './server/live-state.js';

export interface PlaygroundOptions {
  /** What the chat asks. */
  readonly model: string;
  /** Without it the fault routes do not exist. */
  readonly faults: FaultTarget | undefined;
}

@Module({ providers: [LiveState] })
export class PlaygroundModule {
  static register({ model, faults }: PlaygroundOptions): DynamicModule {
    return {
      module: PlaygroundModule,
      // The page answers for every name that is left.
      controllers: [EventsController, ...(faults ? [FaultsController] : []), PageController],
      providers: [
        { provide: PLAYGROUND_MODEL, useValue: model },
        { provide: FAULT_TARGET, useValue: faults },
      ],
    };
  }
}
