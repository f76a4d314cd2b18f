import { expect, it } from 'vitest';
import { deploy } from '../../deploy/command-deploy.ts';
import { info } from '../../deploy/command-info.ts';
import { deployBench } from './deploy-bench.ts';

it('deploys', async () => {
  const bench = await deployBench({ provider: (s) => ({ gateway: { id: s.gatewayId }, tags: { team: 'ci' } }) });
  try {
    await deploy(bench.inputs());
  } finally {
    console.log(bench.said.join('\n'));
  }
  bench.said.length = 0;
  await deploy(bench.inputs());
  console.log(bench.said.join('\n'));
  await info(bench.inputs());
  console.log(bench.data.join('\n'));
});
