import { ForbiddenException, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

const LOOPBACK_ADDRESS = /^(::ffff:)?127\.|^::1$/;
/** A name that somebody else could point to this machine is none of these. */
const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** Lets through what the page itself sends, from this machine. */
@Injectable()
export class LocalCallerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { socket, headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const { host = '', origin } = headers;
    const isLocal = LOOPBACK_ADDRESS.test(socket.remoteAddress ?? '') && LOOPBACK_HOST.test(host);
    if (isLocal && origin === `http://${host}`) return true;
    throw new ForbiddenException(
      'Faults are only for the page itself, on this machine: open it at the address that npm start prints.',
    );
  }
}
