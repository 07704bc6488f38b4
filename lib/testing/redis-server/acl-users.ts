import { randomBytes } from 'node:crypto';
import type { Principal } from '../entra/directory.js';

/** ACL users of a real Redis: one per identity with access, and one for ourselves. */
export interface AclUsers {
  /** Lines for redis.conf. */
  readonly config: readonly string[];
  readonly passwords: ReadonlyMap<string, string>;
  readonly admin: { readonly username: string; readonly password: string };
}

/** Passwords are random, so that only the front door can authenticate. */
export function createAclUsers(principals: readonly Principal[]): AclUsers {
  const passwords = new Map(
    principals
      .filter(({ hasAccess }) => hasAccess)
      .map(({ objectId }) => [objectId, randomPassword()]),
  );
  const admin = { username: 'local-azure', password: randomPassword() };
  const everybody = [...passwords, [admin.username, admin.password]] as const;
  return {
    config: [
      'user default off',
      ...everybody.map(([name, password]) => `user ${name} on >${password} ~* &* +@all`),
    ],
    passwords,
    admin,
  };
}

const randomPassword = (): string => randomBytes(24).toString('hex');
