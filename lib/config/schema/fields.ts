import * as z from 'zod';
import { section } from '../check/messages.ts';
import { periodProblem } from '../cron.ts';

/** What docs/reference prints of a key or section besides its form (scripts/reference). Markdown, one line each. */
declare module 'zod' {
  interface GlobalMeta {
    /** What a value may hold, where the checks are code or their message is not enough. */
    holds?: string;
    /** Stands above the table of a section. */
    note?: string;
    /** What holds without the key, in words: instead of the schema's default. */
    absent?: string;
    /** What the code fills in for an absent key without a default (load/resolve.ts), as one writes it. A test tries each. */
    filledIn?: unknown;
    /** The name of the same thing in docker+machine's world. */
    dockerMachine?: string;
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Names that become part of a VM's name, of metadata and of a host name. */
export const Name = z
  .string()
  .regex(/^[a-z](?:[a-z0-9-]*[a-z0-9])?$/, 'must consist of a-z, 0-9 and "-", begin with a letter and not end with "-"')
  .max(32, "is too long: at most 32 characters, so that a worker's name stays within 59")
  .meta({ holds: '`a-z`, `0-9` and `-`; begins with a letter, does not end with `-`; at most 32 characters' });

export const Uuid = z.string().regex(UUID, 'must be a UUID, such as 0f3c2b1a-1111-4222-8333-444455556666').meta({ holds: 'UUID' });

const HTTPS_URL = 'URL with `https://`, without password and query';

/** A base URL: no password, no query. Kept without a slash at its end. */
export const BaseUrl = z
  .string()
  .transform((text, ctx) => {
    const message = urlProblem(text);
    if (message === undefined) return text.replace(/\/+$/, '');
    ctx.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({ holds: HTTPS_URL });

/** Where GitLab is, as its pages' addresses begin: the API's own path is added by us. */
export const GitLabUrl = BaseUrl.refine(
  (url) => !/\/api(?:$|\/(?:v\d+|graphql)(?:\/|$))/i.test(url),
  'must be the address of GitLab itself, without the path of its API: leave out "/api/…"',
).refine(
  (url) => !/\/-(?:\/|$)|\/users\/sign_in$/.test(url),
  'is the address of a page in GitLab: write only how the addresses of all its pages begin, such as https://gitlab.example.com',
);

/** A hook's address as it stands in GitLab, character by character. */
export const HookUrl = z
  .string()
  .meta({ holds: HTTPS_URL })
  .superRefine((text, ctx) => {
    const message = urlProblem(text);
    if (message !== undefined) ctx.addIssue({ code: 'custom', message });
  });

function urlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is no URL: write it with its scheme, such as https://gitlab.example.com';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https://';
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password';
  if (url.search !== '' || url.hash !== '') return 'must end before "?" and "#"';
  return undefined;
}

/** A mirror as docker's daemon.json takes it (moby: registry/config.go, ValidateMirror), without what a shell or a query would make of it. */
export const RegistryMirror = BaseUrl.pipe(
  z
    .string()
    .regex(
      /^https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/,
      'must be a plain URL, such as https://mirror.example.com',
    )
    .max(255),
).meta({ holds: 'URL with `https://` or `http://`, without password and query' });

const FULL_PATH = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/;
const fullPath = z.string().regex(FULL_PATH, 'must be the full path as in its URL, such as acme/widgets, without a "/" at either end');

const ONE_OF_THREE = 'one of the three is required';

/** Where jobs come from: exactly one of group, project and instance. */
export const ScopeField = section({
  group: fullPath.optional().meta({ description: 'all projects of this group and its subgroups', absent: ONE_OF_THREE }),
  project: fullPath
    .refine((path) => path.includes('/'), 'must be the full path with its group, such as acme/widgets')
    .optional()
    .meta({ description: 'this project alone', absent: ONE_OF_THREE }),
  instance: z
    .literal(true, 'can only be true')
    .optional()
    .meta({ description: "the whole GitLab; needs an administrator's token", absent: ONE_OF_THREE }),
}).refine((scope) => Object.keys(scope).length === 1, 'needs exactly one of: group: <path>, project: <path>, instance: true');

/** A runner's tag as GitLab keeps it (gitlabhq: tags are split at commas and trimmed). */
const Tag = z
  .string()
  .min(1)
  .max(255)
  .refine(
    (tag) => tag === tag.trim() && !tag.includes(','),
    'must not hold a comma or begin or end with a space: GitLab would split or trim it',
  );

/** gitlabhq: `TAG_LIST_MAX_LENGTH`. */
export const Tags = z
  .array(Tag)
  .max(50)
  .refine((tags) => new Set(tags).size === tags.length, 'holds the same tag twice')
  .meta({ holds: 'list (at most 50, no two the same): text without a comma, at most 255 characters' });

/**
 * Only its form: whether it is known is asked where scaler.yml is checked (zones.ts). In a function, whose zones are older, one that is not known
 * costs its pool the periods and not the whole configuration.
 */
export const Timezone = z.string().meta({ holds: 'IANA name, such as `Europe/Berlin`' });

export const CronPeriod = z
  .string()
  .transform((text, ctx) => {
    const message = periodProblem(text);
    if (message !== undefined) ctx.addIssue({ code: 'custom', message });
    return text.trim().split(/\s+/).join(' ');
  })
  .meta({ holds: 'cron expression of seven fields, such as `* * 8-17 * * mon-fri *`' });

/** obs.* naming rules (OBS API reference, creating a bucket). */
export const BucketName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be 3 to 63 of a-z, 0-9, "-" and ".", beginning and ending with a letter or digit')
  .refine((name) => !/\.\.|-\.|\.-/.test(name), 'must not hold "..", "-." or ".-"')
  .refine((name) => !/^\d+\.\d+\.\d+\.\d+$/.test(name), 'must not look like an IP address')
  .meta({ holds: '3 to 63 of `a-z`, `0-9`, `-` and `.`; begins and ends with a letter or digit' });

export const HostName = z
  .string()
  // An address with a leading zero is another one to `mount`, which reads it as octal.
  .regex(
    /^(?![\d.]*\b0\d[\d.]*$)(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)$/,
    'must be a host name or an IPv4 address (no leading zeros), without a scheme or path',
  )
  .max(253)
  .meta({ holds: 'host name or IPv4 address' });

/** A function's name, or its URN when it lives elsewhere (FunctionGraph API reference, invoking a function). */
export const FunctionName = z
  .string()
  .regex(
    /^(?:[A-Za-z](?:[A-Za-z0-9_-]{0,58}[A-Za-z0-9])?|urn:fss:[a-z0-9-]+:[0-9a-f]{32}:function:[^\s:]+:[^\s:]+(?::[^\s:]+)?)$/,
    "must be a function's name or its URN (urn:fss:…)",
  )
  .meta({ holds: "function's name, or its URN (`urn:fss:…`)" });

export const ExportPath = z.string().regex(/^\/[A-Za-z0-9._/-]*$/, 'must be an absolute path of letters, digits, ".", "_", "-" and "/"');

/** Debian policy, section 5.6.12: epoch, upstream version, revision. */
export const PackageVersion = z
  .string()
  .regex(/^(?:\d+:)?\d[A-Za-z0-9.+~-]*$/, 'must be a whole Debian version as "apt-cache policy" prints it, such as 18.5.0-1')
  .max(100)
  .meta({ holds: 'Debian version as `apt-cache policy` prints it, such as `18.5.0-1`' });

export const EnvironmentEntry = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*=/, 'must be KEY=value')
  .refine((entry) => !/[\n\r\0]/.test(entry), 'must be one line')
  .meta({ holds: '`KEY=value` in one line' });
