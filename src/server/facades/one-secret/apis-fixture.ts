/** One secret through four APIs on one instance: what each can do to it, and what each shows of it. */
import type { JsonObject } from '../../../base/json.ts';
import { systemRandom } from '../../../base/random.ts';
import { createAzureFacade } from '../../../facades/azure/azure-facade.ts';
import type { Facade } from '../../../facades/facade.ts';
import { createGoogleFacade } from '../../../facades/google/google-facade.ts';
import { azureBackupSeal } from '../../batch-seal.ts';
import { openInstance } from '../../instance-fixture.ts';
import type { OpenInstance } from '../../instance-fixture.ts';
import { awsOn, token } from '../aws-fixture.ts';
import type { Client } from '../aws-fixture.ts';
import { sendJson, silentLog } from '../facade-fixture.ts';
import type { JsonReply } from '../facade-fixture.ts';
import { mountFinder } from '../place-finder.ts';

export type Api = 'vault' | 'aws' | 'azure' | 'google';

const HOST = 'v.kv.example.com';
const PROJECT = '/v1/projects/p/secrets';
const AUTOMATIC = { replication: { automatic: {} } };

export type State = 'ENABLED' | 'DISABLED' | 'DESTROYED';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function memberOf(value: unknown, name: string): unknown {
  return (value as Readonly<Record<string, unknown>> | undefined)?.[name];
}

/** The four views of the secret `name`; every act says whether the API took it. */
export class Apis {
  readonly server: OpenInstance;
  readonly #aws: Client;
  readonly #azure: Facade;
  readonly #google: Facade;
  name = '';

  private constructor(server: OpenInstance, aws: Client) {
    this.server = server;
    this.#aws = aws;
    const { handle, services } = server.instance;
    const shared = { handle, log: silentLog, clock: server.clock };
    const backupSeal = azureBackupSeal(services.barrier, systemRandom);
    this.#azure = createAzureFacade({ ...shared, random: systemRandom, backupSeal });
    this.#google = createGoogleFacade({ ...shared, mountOf: mountFinder(services) });
  }

  static async open(): Promise<Apis> {
    const server = await openInstance();
    await server.get('write', `sys/bindings/azure/${HOST}`, { data: {} });
    await server.get('write', 'sys/bindings/gcp/p', { data: {} });
    return new Apis(server, await awsOn(server));
  }

  async #ask(facade: Facade, method: string, path: string, body?: JsonObject): Promise<JsonReply> {
    return await sendJson(facade, path, {
      method,
      headers: { host: HOST, authorization: 'Bearer root' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async #byAzure(method: string, path: string, body?: JsonObject): Promise<JsonReply> {
    return await this.#ask(this.#azure, method, `${path}?api-version=7.4`, body);
  }

  async #byGoogle(method: string, path: string, body?: JsonObject): Promise<JsonReply> {
    return await this.#ask(this.#google, method, `${PROJECT}${path}`, body);
  }

  async #byAws(operation: string, input: object): Promise<boolean> {
    const { status } = await this.#aws.reply(operation, { SecretId: this.name, ...input });
    return status === 200;
  }

  async #byVault(
    operation: 'write' | 'delete',
    folder: string,
    data?: JsonObject,
  ): Promise<boolean> {
    const sent = data === undefined ? {} : { data };
    return (await this.server.outcome(operation, `secret/${folder}/${this.name}`, sent)) === 'ok';
  }

  // What is done.

  /** @param exists whether AWS is asked for a version or for a secret. */
  async put(by: Api, value: string, exists: boolean): Promise<boolean> {
    if (by === 'vault') return await this.#byVault('write', 'data', { value, encoding: 'text' });
    if (by === 'azure') {
      return (await this.#byAzure('PUT', `/secrets/${this.name}`, { value })).status === 200;
    }
    if (by === 'google') {
      const body = { payload: { data: base64(value) } };
      return (await this.#byGoogle('POST', `/${this.name}:addVersion`, body)).status === 200;
    }
    const sent = { SecretString: value, ClientRequestToken: token() };
    if (exists) return await this.#byAws('PutSecretValue', sent);
    return (await this.#aws.reply('CreateSecret', { Name: this.name, ...sent })).status === 200;
  }

  async putPending(value: string): Promise<boolean> {
    const sent = { SecretString: value, ClientRequestToken: token() };
    return await this.#byAws('PutSecretValue', { ...sent, VersionStages: ['AWSPENDING'] });
  }

  async createEmpty(): Promise<boolean> {
    return (await this.#byGoogle('POST', `?secretId=${this.name}`, AUTOMATIC)).status === 200;
  }

  /** Ids by AWS of the versions that have a value, oldest first. */
  async awsIds(): Promise<string[] | undefined> {
    const input = { SecretId: this.name, IncludeDeprecated: true };
    const { status, json } = await this.#aws.reply('ListSecretVersionIds', input);
    if (status !== 200) return undefined;
    return (json['Versions'] as { VersionId: string }[]).map((one) => one.VersionId).toReversed();
  }

  async promote(from: string, to: string): Promise<boolean> {
    return await this.#byAws('UpdateSecretVersionStage', {
      VersionStage: 'AWSCURRENT',
      RemoveFromVersionId: from,
      MoveToVersionId: to,
    });
  }

  /** Ids by Azure of the versions that it knows, oldest first. */
  async azureIds(): Promise<string[] | undefined> {
    const { status, json } = await this.#byAzure('GET', `/secrets/${this.name}/versions`);
    if (status !== 200) return undefined;
    return (json['value'] as { id: string }[]).map(({ id }) => id.split('/').at(-1) ?? '');
  }

  async switchByAzure(id: string, enabled: boolean): Promise<boolean> {
    const path = `/secrets/${this.name}/${id}`;
    return (await this.#byAzure('PATCH', path, { attributes: { enabled } })).status === 200;
  }

  async ofVersion(number: number, action: 'enable' | 'disable' | 'destroy'): Promise<boolean> {
    const path = `/${this.name}/versions/${number}:${action}`;
    return (await this.#byGoogle('POST', path, {})).status === 200;
  }

  async byNumber(folder: 'delete' | 'undelete' | 'destroy', number: number): Promise<boolean> {
    return await this.#byVault('write', folder, { versions: [number] });
  }

  async deleteCurrent(): Promise<boolean> {
    return await this.#byVault('delete', 'data');
  }

  async remark(text: string): Promise<boolean> {
    return await this.#byVault('write', 'metadata', { custom_metadata: { text } });
  }

  async delete(by: 'aws' | 'azure'): Promise<boolean> {
    if (by === 'aws') return await this.#byAws('DeleteSecret', { RecoveryWindowInDays: 7 });
    return (await this.#byAzure('DELETE', `/secrets/${this.name}`)).status === 200;
  }

  async recover(by: 'aws' | 'azure'): Promise<boolean> {
    if (by === 'aws') return await this.#byAws('RestoreSecret', {});
    const path = `/deletedsecrets/${this.name}/recover`;
    return (await this.#byAzure('POST', path)).status === 200;
  }

  async purge(): Promise<boolean> {
    return (await this.#byAzure('DELETE', `/deletedsecrets/${this.name}`)).status === 204;
  }

  async remove(by: Exclude<Api, 'azure'>): Promise<boolean> {
    if (by === 'vault') return await this.#byVault('delete', 'metadata');
    if (by === 'google') return (await this.#byGoogle('DELETE', `/${this.name}`)).status === 200;
    return await this.#byAws('DeleteSecret', { ForceDeleteWithoutRecovery: true });
  }

  // What is shown.

  /** The current value, by whom it is asked; undefined where it is not handed out. */
  async currentValues(): Promise<Readonly<Record<Api, string | undefined>>> {
    const asked = { data: { detail: true } };
    const vault = await this.server.ask('read', `secret/data/${this.name}`, asked);
    const aws = await this.#aws.reply('GetSecretValue', { SecretId: this.name });
    const azure = await this.#byAzure('GET', `/secrets/${this.name}/`);
    const google = await this.#byGoogle('GET', `/${this.name}/versions/latest:access`);
    const data = memberOf(google.json['payload'], 'data');
    const text = (value: unknown): string | undefined =>
      typeof value === 'string' ? value : undefined;
    return {
      vault: text(vault.reply?.data?.['value']),
      aws: text(aws.json['SecretString']),
      azure: text(azure.json['value']),
      google: typeof data === 'string' ? Buffer.from(data, 'base64').toString() : undefined,
    };
  }

  /** The value that AWS calls the previous one; undefined where it is not handed out. */
  async previousValue(): Promise<unknown> {
    const input = { SecretId: this.name, VersionStage: 'AWSPREVIOUS' };
    return (await this.#aws.reply('GetSecretValue', input)).json['SecretString'];
  }

  /** States by Google, oldest first; undefined when it knows no such secret. */
  async googleStates(): Promise<State[] | undefined> {
    const { status, json } = await this.#byGoogle('GET', `/${this.name}/versions`);
    if (status !== 200) return undefined;
    return ((json['versions'] ?? []) as { state: State }[]).map(({ state }) => state).toReversed();
  }

  /** By Vault: of each version, oldest first, whether it is deleted and destroyed. */
  async vaultVersions(): Promise<(readonly [deleted: boolean, destroyed: boolean])[] | undefined> {
    const { reply } = await this.server.ask('read', `secret/metadata/${this.name}`);
    const versions = reply?.data?.['versions'] as Record<string, JsonObject> | undefined;
    if (versions === undefined) return undefined;
    return Object.values(versions).map(
      (one) => [one['deletion_time'] !== '', one['destroyed'] === true] as const,
    );
  }

  async isDeleted(): Promise<boolean> {
    return (await this.#byAzure('GET', `/deletedsecrets/${this.name}`)).status === 200;
  }

  /** Every version's value by its number through the Vault API; undefined where it is not handed out. */
  async valueOf(number: number): Promise<unknown> {
    const asked = { data: { detail: true, version: number } };
    const { reply } = await this.server.ask('read', `secret/data/${this.name}`, asked);
    return reply?.data?.['value'] ?? undefined;
  }

  async names(by: 'azure' | 'google' | 'aws'): Promise<string[]> {
    if (by === 'aws') {
      const { json } = await this.#aws.reply('ListSecrets', { MaxResults: 100 });
      return (json['SecretList'] as { Name: string }[]).map(({ Name }) => Name);
    }
    const { json } =
      by === 'azure' ? await this.#byAzure('GET', '/secrets') : await this.#byGoogle('GET', '');
    const list = (json['value'] ?? json['secrets'] ?? []) as { id?: string; name?: string }[];
    return list.map(({ id, name }) => (id ?? name ?? '').split('/').at(-1) ?? '');
  }
}
