/** Who a caller of AWS is, as an ARN says it (`arn:partition:service:region:account:resource`). */

export interface AwsPrincipal {
  readonly partition: string;
  readonly account: string;
  readonly kind: 'user' | 'role' | 'assumed-role' | 'federated-user' | 'root';
  /** Name of the user or role. */
  readonly name: string;
  /** Of an assumed role; else ''. */
  readonly session: string;
  /** As AWS wrote it. */
  readonly arn: string;
  /** The user or role behind it, without the path of a role that was assumed. */
  readonly canonicalArn: string;
}

const ARN = /^arn:(aws[a-z-]*):(iam|sts)::(\d{12}):([\w+=,.@/:-]{1,1024})$/;
const KINDS: ReadonlyMap<string, AwsPrincipal['kind']> = new Map<string, AwsPrincipal['kind']>([
  ['user', 'user'],
  ['role', 'role'],
  ['assumed-role', 'assumed-role'],
  ['federated-user', 'federated-user'],
  ['root', 'root'],
]);

/** Undefined when the text is not the ARN of somebody who can call. */
export function parseArn(arn: string): AwsPrincipal | undefined {
  const [, partition, , account, resource] = ARN.exec(arn) ?? [];
  if (partition === undefined || account === undefined || resource === undefined) return undefined;
  const [type = '', ...rest] = resource.split('/');
  const kind = KINDS.get(type);
  if (kind === undefined) return undefined;
  const common = { partition, account, kind, arn };
  if (kind === 'root')
    return rest.length === 0
      ? { ...common, name: 'root', session: '', canonicalArn: arn }
      : undefined;
  if (kind === 'assumed-role') {
    const [name, session, ...more] = rest;
    if (name === undefined || session === undefined || more.length > 0) return undefined;
    const canonicalArn = `arn:${partition}:iam::${account}:role/${name}`;
    return { ...common, name, session, canonicalArn };
  }
  const name = rest.at(-1);
  if (name === undefined || name === '') return undefined;
  return { ...common, name, session: '', canonicalArn: arn };
}
