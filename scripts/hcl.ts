/** A block of HCL as `terraform fmt` writes it: its labels, its arguments as text, its blocks. */
export interface Block {
  readonly type: string;
  readonly labels: readonly string[];
  readonly args: ReadonlyMap<string, string>;
  readonly blocks: readonly Block[];
}

const OPEN = /^(\w+)((?: "[^"]*")*) \{$/;
const ARGUMENT = /^(\w+)\s+= (.*)$/;

/** Reads what our own modules are made of: one block or argument a line, values that go on over lines until their brackets are closed. Throws for anything else. */
export function readHcl(text: string): readonly Block[] {
  const lines = text.split('\n').map((line) => line.trim());
  const { blocks, next } = readBody(lines, 0);
  if (next < lines.length) throw new Error(`line ${next + 1}: a bracket too many`);
  return blocks;
}

interface Body {
  readonly args: Map<string, string>;
  readonly blocks: Block[];
  readonly next: number;
}

function readBody(lines: readonly string[], from: number): Body {
  const body = { args: new Map<string, string>(), blocks: [] as Block[] };
  let at = from;
  while (at < lines.length && lines[at] !== '}') at = readOne(lines, at, body);
  return { ...body, next: at };
}

/** Reads what begins on this line into `body`, and gives the line after it. */
function readOne(lines: readonly string[], at: number, body: Pick<Body, 'args' | 'blocks'>): number {
  const line = lines[at] ?? '';
  if (line === '' || line.startsWith('#')) return at + 1;
  const [, type, labels = ''] = OPEN.exec(line) ?? [];
  if (type !== undefined) {
    const { args, blocks, next } = readBody(lines, at + 1);
    if (lines[next] !== '}') throw new Error(`line ${at + 1}: not closed`);
    body.blocks.push({ type, labels: [...labels.matchAll(/"([^"]*)"/g)].map(([, label = '']) => label), args, blocks });
    return next + 1;
  }
  const [, name, value] = ARGUMENT.exec(line) ?? [];
  if (name === undefined) throw new Error(`line ${at + 1}: not understood: ${line}`);
  const end = endOfValue(lines, at);
  body.args.set(name, [value, ...lines.slice(at + 1, end + 1)].join('\n'));
  return end + 1;
}

/** The line on which the brackets that were opened are closed again. */
function endOfValue(lines: readonly string[], from: number): number {
  let depth = 0;
  for (let at = from; at < lines.length; at += 1) {
    for (const [bracket] of (lines[at] ?? '').replace(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/[[\]{}()]/g))
      depth += '[{('.includes(bracket) ? 1 : -1;
    if (depth === 0) return at;
  }
  throw new Error(`line ${from + 1}: not closed`);
}
