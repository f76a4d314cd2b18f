import { describe, expect, it } from 'vitest';
import { harmless } from '../../../../cli/shared/printable.ts';

describe('a console on a terminal', () => {
  it.each([
    { name: 'keeps lines, tabs and letters of any language', text: 'eins\r\nzwei\tdrei\nΩ ☃\r\n', shown: 'eins\nzwei\tdrei\nΩ ☃' },
    { name: 'loses colours', text: '[\u001b[0;32m  OK  \u001b[0m] up', shown: '[  OK  ] up' },
    { name: 'loses what would clear the screen or set the title', text: '\u001b[2J\u001b[H\u001b]0;mine\u0007x', shown: '·x' },
    { name: 'shows that there was a control character', text: 'a\u0000b\u0008c\u009bd\u007f', shown: 'a·b·c·d·' },
    { name: 'is not turned around', text: 'a\u202eb\u2066c', shown: 'a·b·c' },
    { name: 'keeps a bare carriage return from overwriting', text: 'bad\rgood', shown: 'bad\ngood' },
    {
      name: 'shows no query of a URL',
      text: 'curl: (22) https://b.obs/h.toml?Signature=abc&Expires=1 403',
      shown: 'curl: (22) https://b.obs/h.toml?… 403',
    },
  ])('$name', ({ text, shown }) => {
    expect(harmless(text)).toBe(shown);
  });
});
