import { PAGE, PAGE_STATUS } from './fields.ts';

// The one statement of the floor: set-based, each table touched once, and the answer is its text.

const FILES = `(select json_agg(json_build_object('documentType', f.document_type, 'mimeType', f.mime_type, 'fileSize', f.file_size,
  'width', f.width, 'height', f.height, 'uploadStatus', f.upload_status) order by f.id) from file_upload f where f.document_id = d.id and f.organization_id = $1)`;
const DOCUMENTS = `(select json_agg(json_build_object('id', d.id, 'selectedIdClass', d.selected_id_class, 'status', d.status, 'createdAt', d.created_at,
  'updatedAt', d.updated_at, 'fileUploads', coalesce(${FILES}, '[]')) order by d.id) from document d where d.identity_id = i.id and d.organization_id = $1)`;
const SIGNATURES = `(select json_agg(json_build_object('id', s.id, 'contractType', s.contract_type, 'contractVersion', s.contract_version,
  'contractSignedDate', s.contract_signed_date, 'createdAt', s.created_at) order by s.id) from signature s where s.identity_id = i.id and s.organization_id = $1)`;

function identityWith(documents: string, signatures: string): string {
  return `json_build_object('id', i.id, 'status', i.status, 'transactionType', i.transaction_type,
    'documentAttemptsRemaining', i.document_attempts_remaining, 'version', i.version, 'createdAt', i.created_at, 'updatedAt', i.updated_at,
    'documents', coalesce(${documents}, '[]'), 'signatures', coalesce(${signatures}, '[]'))`;
}

const customerWith = (identity: string): string => `json_build_object('id', c.id, 'type', c.type, 'status', c.status, 'kycStatus', c.kyc_status, 'version', c.version,
  'verifiedAt', c.verified_at, 'createdAt', c.created_at, 'updatedAt', c.updated_at, 'identity', ${identity})`;

/** Q1: $1 organization, $2 customer. */
export const CUSTOMER_SQL = `select json_build_object('data', json_build_object('customer', ${customerWith(`(select ${identityWith(DOCUMENTS, SIGNATURES)} from identity i where i.id = c.current_identity_id and i.organization_id = $1)`)}))::text as answer
from customer c where c.organization_id = $1 and c.id = $2`;

/** Q2: $1 organization, $2 the id that the page begins behind, or null. Each table is read once for all of the page. */
export const PAGE_SQL = `with page as materialized (
  select * from customer where organization_id = $1 and status = '${PAGE_STATUS}' and id < coalesce($2, '~') order by id desc limit ${PAGE + 1}
), shown as materialized (select * from page order by id desc limit ${PAGE}),
i as materialized (select * from identity where organization_id = $1 and id = any(array(select current_identity_id from shown))),
d as materialized (select * from document where organization_id = $1 and identity_id = any(array(select id from i))),
f as (select document_id, json_agg(json_build_object('documentType', document_type, 'mimeType', mime_type, 'fileSize', file_size,
  'width', width, 'height', height, 'uploadStatus', upload_status) order by id) as list
  from file_upload where organization_id = $1 and document_id = any(array(select id from d)) group by document_id),
documents as (select d.identity_id, json_agg(json_build_object('id', d.id, 'selectedIdClass', d.selected_id_class, 'status', d.status,
  'createdAt', d.created_at, 'updatedAt', d.updated_at, 'fileUploads', coalesce(f.list, '[]')) order by d.id) as list
  from d left join f on f.document_id = d.id group by d.identity_id),
signatures as (select identity_id, json_agg(json_build_object('id', id, 'contractType', contract_type, 'contractVersion', contract_version,
  'contractSignedDate', contract_signed_date, 'createdAt', created_at) order by id) as list
  from signature where organization_id = $1 and identity_id = any(array(select id from i)) group by identity_id)
select json_build_object('data', json_build_object('customers', json_build_object(
  'nodes', (select coalesce(json_agg(${customerWith(`case when i.id is null then null else ${identityWith('documents.list', 'signatures.list')} end`)} order by c.id desc), '[]')
    from shown c left join i on i.id = c.current_identity_id left join documents on documents.identity_id = i.id left join signatures on signatures.identity_id = i.id),
  'pageInfo', json_build_object('hasNextPage', (select count(*) > ${PAGE} from page)))))::text as answer`;

/** The same by five statements, each for all of the page: what a dataloader comes to. The first takes the parameters of the others above. */
export const BATCHED_SQL = {
  customer: `select id, type, status, kyc_status as "kycStatus", version, verified_at as "verifiedAt", created_at as "createdAt", updated_at as "updatedAt", current_identity_id
    from customer where organization_id = $1 and id = any($2)`,
  page: `select id, type, status, kyc_status as "kycStatus", version, verified_at as "verifiedAt", created_at as "createdAt", updated_at as "updatedAt", current_identity_id
    from customer where organization_id = $1 and status = $2 and id < coalesce($3, '~') order by id desc limit $4`,
  identities: `select id, status, transaction_type as "transactionType", document_attempts_remaining as "documentAttemptsRemaining", version,
    created_at as "createdAt", updated_at as "updatedAt" from identity where organization_id = $1 and id = any($2)`,
  documents: `select id, selected_id_class as "selectedIdClass", status, created_at as "createdAt", updated_at as "updatedAt", identity_id
    from document where organization_id = $1 and identity_id = any($2) order by id`,
  files: `select document_type as "documentType", mime_type as "mimeType", file_size as "fileSize", width, height, upload_status as "uploadStatus", document_id
    from file_upload where organization_id = $1 and document_id = any($2) order by id`,
  signatures: `select id, contract_type as "contractType", contract_version as "contractVersion", contract_signed_date as "contractSignedDate", created_at as "createdAt", identity_id
    from signature where organization_id = $1 and identity_id = any($2) order by id`,
} as const;
