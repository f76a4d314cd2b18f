import { fromIso, toIso } from '../time.ts';

const NOTE = /^draining since (\S+): (.+)$/;

/** What a drain writes into the runner's maintenance note, so that GitLab remembers it and people can read it there. */
export function drainNote(at: number, why: string): string {
  return `draining since ${toIso(at)}: ${why}`;
}

/** When the drain began; `undefined` when the note is not one of ours, which means that nothing may be deleted. */
export function drainedSince(note: string | undefined): number | undefined {
  const at = NOTE.exec(note ?? '')?.[1];
  return at === undefined ? undefined : fromIso(at);
}
