import type { Settings } from '../app/settings.ts';
import type { ConfigProblem } from './problems.ts';

export type OtcService = 'ecs' | 'ims' | 'iam' | 'vpc' | 'obs' | 'functiongraph';

/** All of scaler.yml with its defaults filled in: the settings of a reconcile, and what the adapters are built from. */
export interface Config {
  readonly settings: Settings;
  readonly otc: {
    readonly region: string;
    readonly domain: string;
    readonly projectId: string;
    /** Base URLs without a slash at the end. `obs` is without the bucket. */
    readonly endpoints: Readonly<Record<OtcService, string>>;
  };
  readonly bucket: { readonly name: string; readonly dialect: 'obs' | 's3-v2' };
  /** Name or URN of the function that the webhook wakes; absent: the timer alone. */
  readonly scalerFunction?: string;
  /** What works, but probably not as meant. */
  readonly warnings: readonly ConfigProblem[];
}
