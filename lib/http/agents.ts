import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

export interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/**
 * Connections for one call of a function, kept from request to request and closed with it. Those that outlive the call are dead when the platform
 * thaws the process after the server's idle time, and a POST on one of them fails without having arrived, which nobody can tell.
 */
export function callAgents(): { readonly agents: Agents; close(): void } {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  return {
    agents,
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
