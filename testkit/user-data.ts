import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import * as z from 'zod';

const CloudConfig = z.strictObject({
  package_update: z.literal(false),
  package_upgrade: z.literal(false),
  ssh_pwauth: z.literal(false),
  write_files: z.array(
    z.union([
      z.strictObject({ path: z.string(), permissions: z.string(), content: z.string() }),
      z
        .strictObject({ path: z.string(), permissions: z.string(), encoding: z.literal('gz+b64'), content: z.base64() })
        .transform(({ path, permissions, content }) => ({
          path,
          permissions,
          content: gunzipSync(Buffer.from(content, 'base64')).toString(),
        })),
    ]),
  ),
  bootcmd: z.array(z.array(z.string())).default([]),
  runcmd: z.array(z.array(z.string())).default([]),
});

/** The keys that our user data may have, with packed files unpacked. Throws when it has others. */
export function parseUserData(text: string): z.infer<typeof CloudConfig> {
  return CloudConfig.parse(parse(text));
}

export function fileIn(text: string, path: string): string {
  const file = parseUserData(text).write_files.find((f) => f.path === path);
  if (!file) throw new Error(`${path} is not written`);
  return file.content;
}
