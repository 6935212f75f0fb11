/** Which facade gets a request, and that a Vault client's request asks nobody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SharedFacade, WireRequest } from '../facades/facade.ts';
import { dispatching } from './dispatch.ts';
import { said } from './listener.testkit.ts';

const vault = {
  handle: async () => said(200, 'vault'),
  refuse: (status: number) => said(status, 'vault'),
};

function other(api: SharedFacade['api'], asked: string[], path: string): SharedFacade {
  return {
    api,
    claims(request) {
      asked.push(api);
      return request.target.startsWith(path);
    },
    handle: async () => said(200, api),
  };
}

test('each request goes to the first that claims it, and to Vault when nobody does', async () => {
  const asked: string[] = [];
  const facade = dispatching(vault, [
    other('aws', asked, '/v1/projects/'),
    other('gcp', asked, '/g'),
  ]);
  const to = async (target: string): Promise<string> =>
    String((await facade.handle({ target } as WireRequest)).body);
  assert.equal(await to('/v1/secret/data/a'), 'vault');
  assert.equal(await to('/v1/project'), 'vault');
  assert.deepEqual(asked, []);
  assert.equal(await to('/v1/projects/p'), 'aws');
  assert.equal(await to('/g'), 'gcp');
  assert.equal(await to('/else'), 'vault');
  assert.deepEqual(asked, ['aws', 'aws', 'gcp', 'aws', 'gcp']);
});

test('without others nothing stands in between', () => {
  assert.equal(dispatching(vault, []), vault);
});
