/**
 * Passwords of the default user (`requirepass`). Source: spec server.md section 2.4.
 *
 * Passwords are compared by their SHA-256 digests in constant time, so the time of a refusal tells nothing about the password.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Connection } from './connection.js';
import { NEEDS_AUTH } from './connection-flags.js';

const DEFAULT_USER = 'default';
export const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'latin1').digest();
}

/**
 * Checks a user's password (byte strings) and authenticates the connection if it is right. Without a password the default user takes any.
 * @returns whether the connection is authenticated now; a wrong password leaves it as it was
 */
export function authenticate(connection: Connection, user: string, password: string): boolean {
  const { requirepass } = connection.server.config.values;
  const isRight = requirepass === '' || timingSafeEqual(digest(password), digest(requirepass));
  if (user !== DEFAULT_USER || !isRight) {
    connection.server.deniedAuthCount++;
    return false;
  }
  connection.user = user;
  setAuthenticated(connection, true);
  return true;
}

export function setAuthenticated(connection: Connection, isAuthenticated: boolean): void {
  connection.state.isAuthenticated = isAuthenticated;
  if (isAuthenticated) connection.flags &= ~NEEDS_AUTH;
  else connection.flags |= NEEDS_AUTH;
}
