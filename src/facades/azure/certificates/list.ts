/** Certificates, deleted certificates and versions, page by page. */
import type {
  CertificateListDesk,
  KeptCertificate,
} from '../../../model/tasks/certificate-task.ts';
import type { WireReply } from '../../facade.ts';
import type { Asking } from '../asking.ts';
import { collected, pageOf, pageReply, versionPage } from '../objects/paging.ts';
import { deletionOf, vaultAt } from '../objects/vault-rules.ts';
import { isName } from '../wire/route.ts';
import { chosenVersion, listedCertificate, liveCertificate } from './bundle.ts';

type Entry = (
  name: string,
  certificate: KeptCertificate,
  desk: CertificateListDesk,
) => Record<string, unknown> | undefined;

async function listOf(asking: Asking, path: string, entry: Entry): Promise<WireReply> {
  const page = pageOf(asking.target.query);
  const answer = await asking.ask({
    operation: 'list',
    part: 'certificates',
    path: 'stored/',
    task: {
      certificates: async (desk) =>
        await collected(page, async (after, limit) => {
          const { certificates, next } = await desk.page(after, limit);
          const entries = certificates.map(({ name, certificate }) =>
            isName(name) ? entry(name, certificate, desk) : undefined,
          );
          return { entries, next };
        }),
    },
  });
  return pageReply(asking, path, answer);
}

export async function listCertificates(asking: Asking): Promise<WireReply> {
  return await listOf(asking, '/certificates', (name, certificate, desk) =>
    certificate.deletedMs === undefined
      ? listedCertificate(
          vaultAt(asking.base, desk),
          name,
          chosenVersion(certificate, name, ''),
          false,
        )
      : undefined,
  );
}

export async function listDeletedCertificates(asking: Asking): Promise<WireReply> {
  return await listOf(asking, '/deletedcertificates', (name, certificate, desk) => {
    if (certificate.deletedMs === undefined) return undefined;
    const vault = vaultAt(asking.base, desk);
    return {
      ...deletionOf(vault, 'certificate', name, certificate),
      ...listedCertificate(vault, name, chosenVersion(certificate, name, ''), false),
    };
  });
}

export async function listCertificateVersions(asking: Asking): Promise<WireReply> {
  const { name } = asking.operation;
  const page = pageOf(asking.target.query);
  const answer = await asking.ask({
    operation: 'read',
    part: 'certificates',
    path: `stored/${name}/info`,
    task: {
      certificate(desk) {
        const vault = vaultAt(asking.base, desk);
        return versionPage(
          page,
          liveCertificate(desk, name).versions,
          ({ id }) => id,
          (version) => listedCertificate(vault, name, version, true),
        );
      },
    },
  });
  return pageReply(asking, `/certificates/${name}/versions`, answer);
}
