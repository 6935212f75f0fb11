/** Opens the first server's secrets to the native APIs of AWS, Azure and Google: a name for each, and a key for AWS. */
import { existsSync } from 'node:fs';
import type { Instance } from '../instance.ts';
import { write } from './own-calls.ts';

/** An account that Amazon gives to nobody. */
const AWS_ACCOUNT = '000000000000';
const AWS_REGION = 'us-east-1';
/** Names below `localhost` are this machine (RFC 6761 §6.3). */
const AZURE_VAULT = 'strongroom.localhost';
const GOOGLE_PROJECT = 'strongroom';
/** Of the entity that the access key belongs to, and of its policy. */
const NAME = 'first-start';
const POLICY = `path "secret/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list", "scan"]
}
`;

/**
 * Binds the names to `secret/`, and writes an access key to `awsFile`, in the form of AWS's shared credentials file, unless there is
 * one. Done again it changes nothing.
 */
export async function openToClouds(
  instance: Instance,
  token: string,
  awsFile: string,
  writeFile: (path: string, content: string) => void,
): Promise<void> {
  const mount = { mount: 'secret/' };
  await write(instance, token, `sys/bindings/aws/${AWS_ACCOUNT}/${AWS_REGION}`, mount);
  await write(instance, token, `sys/bindings/azure/${AZURE_VAULT}`, mount);
  await write(instance, token, `sys/bindings/gcp/${GOOGLE_PROJECT}`, mount);
  if (existsSync(awsFile)) return;
  await write(instance, token, `sys/policies/acl/${NAME}`, { policy: POLICY });
  await write(instance, token, 'identity/entity', { name: NAME, policies: [NAME] });
  const key = await write(instance, token, 'identity/credential/access-key', {
    entity_name: NAME,
    bound_to: AWS_ACCOUNT,
    description: 'made by the first start',
  });
  writeFile(
    awsFile,
    `[default]
aws_access_key_id = ${String(key?.['access_key_id'])}
aws_secret_access_key = ${String(key?.['secret_access_key'])}
`,
  );
}

/** A line to paste for each API; `port` is the server's, and `$VAULT_ADDR` and `$VAULT_TOKEN` are set. */
export function cloudLines(awsFile: string, port: string): readonly string[] {
  const bearer = `curl -H "Authorization: Bearer $VAULT_TOKEN"`;
  return [
    '  # AWS Secrets Manager',
    `  AWS_SHARED_CREDENTIALS_FILE='${awsFile}' AWS_DEFAULT_REGION=${AWS_REGION} \\`,
    '    aws --endpoint-url $VAULT_ADDR secretsmanager get-secret-value --secret-id hello',
    '  # Azure Key Vault',
    `  ${bearer} 'http://${AZURE_VAULT}:${port}/secrets/hello?api-version=7.6'`,
    '  # Google Secret Manager',
    `  ${bearer} \\`,
    `    $VAULT_ADDR/v1/projects/${GOOGLE_PROJECT}/secrets/hello/versions/latest:access`,
  ];
}
