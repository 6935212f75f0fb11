/** Questions of the inspection: asked until there is an answer that the server stands behind. */
import type { Answer } from '../../src/core/call.ts';
import type { Cluster } from './cluster.ts';
import type { Question } from './server.ts';

const ASKED_AGAIN_MS = 200;
const ASKED_MAX = 60;
const PASSING = new Set(['unavailable', 'internal', 'audit_failed', 'sealed']);

export async function sure(cluster: Cluster, question: Question): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const { answer } = await cluster.ask(question);
    const code = answer?.error?.code ?? '';
    if (answer !== undefined && (!PASSING.has(code) || attempt >= ASKED_MAX)) return answer;
    await cluster.scheduler.sleep(ASKED_AGAIN_MS, 'ask again');
  }
}
