export interface ApiCertificate {
  readonly id: string;
  readonly name: string;
}

export interface ApiDomain {
  readonly id: string;
  readonly name: string;
  certificate: ApiCertificate | undefined;
}

export interface ApiGroup {
  readonly id: string;
  readonly name: string;
  readonly remark: string;
  readonly createdAt: number;
  /** The gateway's own host name for it; OTC allows 1000 calls a day, for debugging. */
  readonly subDomain: string;
  /** Made together with the gateway. */
  readonly isDefault: boolean;
  readonly domains: Map<string, ApiDomain>;
}

/** An API that a trigger has made and published. */
export interface Api {
  readonly id: string;
  readonly groupId: string;
  readonly name: string;
  readonly path: string;
  readonly method: string;
  readonly match: 'NORMAL' | 'SWA';
  readonly protocol: string;
  readonly auth: string;
  readonly functionUrn: string;
  readonly createdAt: number;
}

export interface GatewayOrder {
  readonly name: string;
  readonly description: string;
  readonly spec: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly securityGroupId: string;
  /** Has a public address. */
  readonly isPublic: boolean;
}

export interface GatewayInstance extends GatewayOrder {
  readonly id: string;
  /** It never gets ready. */
  readonly broken: boolean;
  /** Overrides the state that follows from its age, because people and OTC change gateways, too. */
  state: GatewayState | undefined;
  readonly readyAt: number;
  readonly createdAt: number;
  readonly groups: Map<string, ApiGroup>;
  readonly apis: Map<string, Api>;
}

/** Source: OTC API Gateway API reference V2, "Querying Dedicated Gateway Details". */
export type GatewayState = 'Creating' | 'Registering' | 'Running' | 'CreateFail' | 'Updating' | 'UpdateFailed' | 'Deleting';
