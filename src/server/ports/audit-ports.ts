/** Hands the audit devices to the paths of `sys`. */
import type { AuditBroker } from '../../audit/broker.ts';
import type { AuditPorts } from '../../system/audit.ts';

export function auditPorts(broker: AuditBroker, creationAllowed: boolean): AuditPorts {
  return {
    creationAllowed,
    list: () => broker.list(),
    enable: (device) => broker.enable({ ...device, declared: false }),
    disable: (path) => broker.disable(path),
    anchors: () => broker.anchors(),
    hash: (path, text) => broker.hash(path, text),
  };
}
