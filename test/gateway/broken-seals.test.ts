import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import { bringTo } from '../support/flows.js';
import { storedFiles, useGateway } from '../support/gateway.js';
import { PATCH_CUSTOMER } from '../support/operations.js';

const gateway = useGateway({}, { workers: false });

const REVEAL = graphql(`
  mutation RevealBroken($input: RevealKycDataInput!) {
    revealKycData(input: $input) {
      kycData {
        nationalIdNumber
      }
    }
  }
`);
const HELD = graphql(`
  query HeldOfCustomer($id: ID!) {
    customer(id: $id) {
      firstName
      email
      version
      kycData {
        legalFirstName
        address {
          city
        }
      }
    }
  }
`);
const BROKEN = graphql(`
  query SealsMetByCommands {
    auditTrail(filter: { kinds: [SEAL_BROKEN] }) {
      nodes {
        customerId
        fields
      }
    }
  }
`);

/** What somebody may do to a ciphertext. */
const CHANGES = {
  changed: 'set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)',
  emptied: `''::bytea`,
};

describe.each(['customer', 'identity'])('a ciphertext of %s', (table) => {
  it.each(Object.keys(CHANGES) as (keyof typeof CHANGES)[])('that was %s is INTERNAL_SERVER_ERROR to a command too, which writes nothing but its entry of the audit trail', async (change) => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const { customerId, identityId } = person;
    const partner = () => gateway.client(person.partner.key);
    const before = await partner().request(HELD, { id: customerId });
    const mine = table === 'customer' ? 'id = $1' : 'customer_id = $1';
    const kept = await gateway.behindItsBack(async (query) => {
      const rows = await query(`select id, sealed from ${table} where ${mine}`, [customerId]);
      await query(`update ${table} set sealed = ${CHANGES[change]} where ${mine}`, [customerId]);
      return rows;
    });
    const patched = await partner().refusal(PATCH_CUSTOMER, { input: { customerId, firstName: 'Forged', kycData: { address: { city: 'Forged' } } } });
    expect(patched).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    if (table === 'identity') expect(await partner().refusal(REVEAL, { input: { identityId, fields: ['nationalIdNumber'], reason: 'An audit' } })).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    await gateway.behindItsBack(async (query) => {
      for (const { id, sealed } of kept) await query(`update ${table} set sealed = $2 where id = $1`, [id, sealed]);
    });
    expect(await partner().request(HELD, { id: customerId })).toEqual(before);
    // What came again within the minute is counted at its end, or at the stop.
    await gateway.stop();
    await gateway.start();
    const { nodes } = (await gateway.client(await gateway.key(person.id, 'ADMIN')).request(BROKEN, {})).auditTrail;
    expect(nodes).toContainEqual({ customerId, fields: [table] });
  });
});

describe('the sweep of files', () => {
  const working = useGateway();

  it('keeps the file of a row that was emptied while the data of its customer is not erased', async () => {
    const { customerId } = await bringTo(working, 'IN_REVIEW');
    await working.behindItsBack((query) => query(`update file_upload set sealed = '' where customer_id = $1`, [customerId]));
    await working.stop();
    const kept = await storedFiles(working);
    const documents = join(working.dataDirectory, 'documents');
    const organization = join(documents, 'org_01kb3v6k8pe2mvb5s3w3x0d2qz');
    await mkdir(organization, { recursive: true });
    await writeFile(join(organization, 'fup_orphan'), 'x');
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const entry of await readdir(documents, { recursive: true, withFileTypes: true })) if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), old, old);
    await working.start();
    await expect.poll(() => storedFiles(working), { timeout: 20_000 }).not.toContain('fup_orphan');
    expect((await storedFiles(working)).sort()).toEqual(kept.sort());
  });
});
