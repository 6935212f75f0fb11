/** Parts of a record that are in clear as a whole. */
import { Members } from './members.ts';
import type { AuditedMount, PolicyResults } from './record.ts';

const resultTexts = new WeakMap<PolicyResults, string>();

/** How the decision came about, as a JSON object. Results that recur are the same object: their text is written once. */
export function policyResults(results: PolicyResults | undefined): string {
  if (results === undefined) return '';
  let text = resultTexts.get(results);
  if (text === undefined) {
    text = renderResults(results);
    resultTexts.set(results, text);
  }
  return text;
}

function renderResults(results: PolicyResults): string {
  let granting = '';
  for (const policy of results.grantingPolicies ?? []) {
    const members = new Members();
    members.text('name', policy.name);
    members.text('namespace_id', policy.namespaceId);
    members.text('namespace_path', policy.namespacePath);
    members.text('type', policy.type);
    granting += `${granting === '' ? '' : ','}${members.object()}`;
  }
  const members = new Members();
  members.json('allowed', String(results.allowed));
  if (granting !== '') members.json('granting_policies', `[${granting}]`);
  members.text('denied_by', results.deniedBy);
  members.text('environment_exception', results.environmentException);
  if (results.approvedBy !== undefined) members.list('approved_by', results.approvedBy);
  return members.object();
}

const mountTexts = new WeakMap<AuditedMount, string>();

/** The members that describe a mount. Mounts live long and are few: their part is written once. */
export function mountMembers(mount: AuditedMount | undefined): string {
  if (mount === undefined) return '';
  let text = mountTexts.get(mount);
  if (text === undefined) {
    text = renderMount(mount);
    mountTexts.set(mount, text);
  }
  return text;
}

function renderMount(mount: AuditedMount): string {
  const members = new Members();
  members.text('mount_point', mount.path);
  members.text('mount_type', mount.type);
  members.text('mount_accessor', mount.accessor);
  members.text('mount_class', mount.path.startsWith('auth/') ? 'auth' : 'secret');
  return members.members;
}
