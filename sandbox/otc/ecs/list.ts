import * as z from 'zod';
import { tagTexts } from './view.ts';
import type { Vm } from './vm.ts';

export const ListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(25),
  /** A page number; 0 is the first page, too. */
  offset: z.coerce.number().int().min(0).default(1),
  name: z.string().optional(),
  status: z.string().optional(),
  flavor: z.string().optional(),
  tags: z.string().optional(),
  'not-tags': z.string().optional(),
  ip: z.string().optional(),
});

export interface Page {
  /** Over all pages. */
  readonly count: number;
  readonly vms: readonly Vm[];
}

export function pageOf(vms: readonly Vm[], q: z.infer<typeof ListQuery>): Page {
  const contains = (vm: Vm, part: string) => tagTexts(vm).some((tag) => tag.includes(part));
  const found = vms.filter(
    (vm) =>
      (!q.name || fuzzy(q.name).test(vm.name)) &&
      (!q.status || vm.status === q.status) &&
      (!q.flavor || vm.order.flavor.id === q.flavor) &&
      (!q.tags || contains(vm, q.tags)) &&
      (!q['not-tags'] || !contains(vm, q['not-tags'])) &&
      (!q.ip || vm.address.includes(q.ip)),
  );
  const start = (Math.max(1, q.offset) - 1) * q.limit;
  return { count: found.length, vms: found.slice(start, start + q.limit) };
}

/** Anywhere in the name; a full stop stands for any one character. */
function fuzzy(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$*+?()[\]{}|]/g, '\\$&'));
}
