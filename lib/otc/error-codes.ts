/** What a code of OTC means for the caller. `request`: the request itself is wrong, the details may say more. */
export type Meaning =
  | 'quota'
  | 'sold-out'
  | 'subnet-full'
  | 'config'
  | 'request'
  | 'access'
  | 'throttled'
  | 'not-found'
  | 'conflict'
  | 'backend'
  /** The operation took back what it had begun; its sub job may know why. */
  | 'wrapper';

/** Sources: OTC ECS API reference, appendix error_codes; API Gateway, error_codes; FunctionGraph, error codes. */
const MEANINGS: Readonly<Record<Meaning, readonly string[]>> = {
  'subnet-full': ['Ecs.0012'],
  quota: ['Ecs.0001', 'Ecs.0013', 'Ecs.0021', 'Ecs.0022', 'Ecs.0913', 'FSS.1041'],
  // Ecs.0019 and Ecs.0029 are flavors that are abandoned or unknown here: the next flavor may do, the code tells the operator.
  'sold-out': ['Ecs.0319', 'Ecs.0219', 'Ecs.0204', 'Ecs.0044', 'EVS.2072', 'Ecs.0019', 'Ecs.0029'],
  config: [
    ...['Ecs.0007', 'Ecs.0031', 'Ecs.0032', 'Ecs.0304'],
    ...['Ecs.0015', 'Ecs.0043', 'Ecs.0909'],
    ...['Ecs.0010', 'Ecs.0014', 'Ecs.0038', 'Ecs.0064'],
    ...['Ecs.0314', 'Ecs.0023', 'Common.0018'],
    ...['Ecs.0905', 'Ecs.0906', 'Ecs.0907', 'Ecs.0908', 'Ecs.0914', 'Ecs.0915'],
  ],
  request: ['Ecs.0005', 'Common.0002'],
  access: [
    ...['Ecs.0003', 'Ecs.0110', 'Pdp.0001', 'Ecs.0067', 'Ecs.0069', 'Ecs.0070', 'Ecs.0071'],
    ...['Common.0013', 'APIG.0301', 'APIG.0303', 'APIG.0307', 'FSS.0401', 'FSS.0403', 'FSS.1126', 'FSS.1303'],
  ],
  throttled: ['APIG.0308', 'Common.1503', 'Common.0024', 'FSS.0429'],
  'not-found': ['Ecs.0114', 'Ecs.0614', 'Common.0011', 'FSS.1051', 'FSS.1052', 'FSS.1053'],
  conflict: ['Ecs.0100', 'Ecs.0605', 'Ecs.0501'],
  // Answered with HTTP 400 although the outcome is unknown; Ecs.02xx are steps of a create that failed.
  backend: [
    ...['Ecs.0000', 'Ecs.0002', 'Common.0001', 'Common.0022', 'APIG.0201', 'FSS.0424'],
    ...['Ecs.0201', 'Ecs.0202', 'Ecs.0203', 'Ecs.0210', 'Ecs.0211', 'Ecs.0212', 'Ecs.0213', 'Ecs.0214', 'Ecs.0215', 'Ecs.0216', 'Ecs.0217'],
  ],
  wrapper: ['Common.0021'],
};

const BY_CODE = new Map<string, Meaning>(
  (Object.entries(MEANINGS) as [Meaning, readonly string[]][]).flatMap(([meaning, codes]) => codes.map((code) => [code, meaning] as const)),
);

const CODE = /^([A-Za-z]+)\.(\d{4})$/;

/** The code in its documented spelling (`ECS.0319`, `APIGW.0308` occur, too); `undefined` when the text is no code. */
export function canonicalCode(text: unknown): string | undefined {
  const match = typeof text === 'string' ? CODE.exec(text.trim()) : undefined;
  const [, prefix, digits] = match ?? [];
  if (prefix === undefined || digits === undefined) return undefined;
  const upper = prefix.toUpperCase();
  if (upper === 'ECS') return `Ecs.${digits}`;
  if (upper === 'APIG' || upper === 'APIGW') return `APIG.${digits}`;
  return `${prefix}.${digits}`;
}

/** `undefined` for a code that is not documented here. */
export function meaningOf(code: string): Meaning | undefined {
  // All of Ecs.1xxx are time-outs and failures inside the service.
  return BY_CODE.get(code) ?? (/^Ecs\.1\d{3}$/.test(code) ? 'backend' : undefined);
}
