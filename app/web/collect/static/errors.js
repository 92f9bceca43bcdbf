// What can go wrong, by name; the page says it in words.

/**
 * An error that the page knows by its `name`; `details` become members of it.
 *
 * - WrongPin {left, waitSeconds}, Wait {waitSeconds}, Wiped, WeakPin, Locked: the vault.
 * - Offline {afterSeconds, answered}, Revoked, Gone, Refused {status, type}, Tampered: the server's answer.
 * - KeyMissing, KeyTooOld: go online once. Full, Missing, Unsupported: the phone.
 * - TooLarge, TooMany, Unreadable, Incomplete: a file.
 */
export class Trouble extends Error {
  constructor(name, details = {}) {
    super(name);
    this.name = name;
    Object.assign(this, details);
  }
}

/** Whether this is the error of that name. */
export const is = (error, name) => error instanceof Trouble && error.name === name;
