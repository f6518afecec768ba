import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isPlainObject } from '../io/tree.ts';
import type { ParameterValue } from './definition.ts';
import type { Trial } from './trials.ts';

/** A trial that another program asks for, or why a line is none. */
export type Request = { readonly trial: Trial } | { readonly error: string };

/** Reads one line of the protocol. `next` is the number of a trial that gives none. */
export function readRequest(line: string, next: number): Request {
  let given: unknown;
  try {
    given = JSON.parse(line);
  } catch {
    return { error: `not JSON: ${line.slice(0, 60)}` };
  }
  if (!isPlainObject(given) || !isPlainObject(given.parameters)) return { error: 'expected {"trial": 0, "parameters": {…}}' };
  const { trial = next, parameters } = given;
  if (typeof trial !== 'number' || !Number.isSafeInteger(trial) || trial < 0) return { error: 'trial is not an integer ≥ 0' };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && !['number', 'string', 'boolean'].includes(typeof value)) return { error: `parameter '${name}' is not a number, a text, a boolean or null` };
  }
  return { trial: { trial, configuration: trial, parameters: parameters as Record<string, ParameterValue> } };
}

/**
 * The trials that come as lines, until the input ends or the signal says so.
 *
 * @param refuse - called with what is wrong with a line
 */
export async function* requests(input: Readable, signal: AbortSignal, refuse: (error: string) => void): AsyncGenerator<Trial, void, undefined> {
  let next = 0;
  for await (const line of createInterface({ input, signal, crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    const request = readRequest(line, next);
    if ('error' in request) {
      refuse(request.error);
      continue;
    }
    next = Math.max(next, request.trial.trial + 1);
    yield request.trial;
  }
}
