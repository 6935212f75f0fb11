/** Mounts, roles and a namespace that come and go while accounts are lent there. */
import { LONG_ROLE, ROOT_TOKEN, SPARE_CONFIG, SPARE_MOUNTS, TEAM } from '../image.ts';
import type { Question } from '../server.ts';
import { ACCOUNTS } from '../server.ts';
import type { Told } from '../cluster.ts';
import { borrow, contend } from './accounts.ts';
import type { Hand } from './hand.ts';

type Place = Required<Pick<Question, 'namespace'>> & { readonly mount: string };

function somePlace({ chance }: Hand): Place {
  const mount = chance.pick(SPARE_MOUNTS);
  if (chance.happens(0.3)) return { namespace: TEAM, mount: 'spare' };
  return { namespace: '', mount };
}

/** Asks for what ends every lease of a place. */
async function ending(hand: Hand, place: string, question: Question): Promise<Told> {
  const { leases } = hand.ledger;
  const end = leases.placeEnding(place, hand.cluster.scheduler.nowMs);
  const told = await hand.ask(question);
  end(told);
  return told;
}

export async function lendThere(hand: Hand): Promise<void> {
  await borrow(hand, { ...somePlace(hand), role: 'long' });
}

async function make(hand: Hand, { namespace, mount }: Place): Promise<void> {
  const write = (path: string, data: Question['data']): Promise<Told> =>
    hand.ask({
      operation: 'write',
      path,
      namespace,
      token: ROOT_TOKEN,
      ...(data === undefined ? {} : { data }),
    });
  if (namespace !== '') {
    const name = `sys/namespaces/${namespace.slice(0, -1)}`;
    await hand.ask({ operation: 'write', path: name, token: ROOT_TOKEN });
  }
  await write(`sys/mounts/${mount}`, { type: ACCOUNTS });
  await write(`${mount}/config/main`, SPARE_CONFIG);
  await write(`${mount}/roles/long`, LONG_ROLE);
}

async function remove(hand: Hand, { namespace, mount }: Place): Promise<void> {
  if (namespace !== '' && hand.chance.happens(0.7)) {
    const path = `sys/namespaces/${namespace.slice(0, -1)}`;
    await ending(hand, namespace, { operation: 'delete', path, token: ROOT_TOKEN });
    return;
  }
  const path = `sys/mounts/${mount}`;
  const question = { operation: 'delete', path, namespace, token: ROOT_TOKEN } as const;
  await ending(hand, namespace + mount, question);
}

async function move(hand: Hand): Promise<void> {
  const [first = '', second = ''] = SPARE_MOUNTS;
  const [from, to] = hand.chance.happens(0.5) ? [first, second] : [second, first];
  const question = {
    operation: 'write',
    path: 'sys/remount',
    token: ROOT_TOKEN,
    data: { from, to },
  } as const;
  await ending(hand, from, question);
}

async function revokeAll(hand: Hand, { namespace, mount }: Place): Promise<void> {
  const path = `sys/leases/revoke-prefix/${mount}/creds/long`;
  const question = { operation: 'write', path, namespace, token: ROOT_TOKEN } as const;
  await ending(hand, namespace + mount, question);
}

/** Leases outlive their role. */
async function changeRole(hand: Hand, { namespace, mount }: Place): Promise<void> {
  const role = { path: `${mount}/roles/long`, namespace, token: ROOT_TOKEN };
  await hand.ask({ operation: 'delete', ...role });
  await hand.ask({ operation: 'write', ...role, data: LONG_ROLE });
}

/** A place is changed while others lend there. */
export async function changePlace(hand: Hand): Promise<void> {
  const { chance } = hand;
  const place = somePlace(hand);
  if (chance.happens(0.3)) return await make(hand, place);
  const change = chance.pick([
    () => remove(hand, place),
    () => (place.namespace === '' ? move(hand) : remove(hand, place)),
    () => revokeAll(hand, place),
    () => changeRole(hand, place),
  ]);
  const lendHere = async (): Promise<void> => void (await borrow(hand, { ...place, role: 'long' }));
  await lendHere();
  await hand.atOnce([change, lendHere, lendHere], 15);
  if (chance.happens(0.3)) await contend(hand);
  await make(hand, place);
}
