import DataLoader from 'dataloader';
import { buildSchema, GraphQLScalarType, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import { read, type CustomerRow, type DocumentRow, type IdentityRow } from './batches.ts';
import { PAGE } from './fields.ts';

// The schema that the hand-written contenders serve: the gateway's, as far as Q1 and Q2 go.

const SDL = `
  scalar DateTime
  enum CustomerStatus { CREATED UNDER_REVIEW NEEDS_ADDITIONAL_INFORMATION ACTIVE REJECTED DEACTIVATED }
  input CustomerFilter { status: [CustomerStatus!] }
  type Query {
    customer(id: ID!): Customer
    customers(first: Int!, after: String, filter: CustomerFilter): CustomerConnection!
  }
  type CustomerConnection { nodes: [Customer!]! pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean! }
  type Customer { id: ID! type: String! status: CustomerStatus! kycStatus: String! version: Int! verifiedAt: DateTime createdAt: DateTime! updatedAt: DateTime! identity: Identity }
  type Identity {
    id: ID! status: String! transactionType: String documentAttemptsRemaining: Int! version: Int! createdAt: DateTime! updatedAt: DateTime!
    documents: [Document!]! signatures: [Signature!]!
  }
  type Document { id: ID! selectedIdClass: String! status: String! createdAt: DateTime! updatedAt: DateTime! fileUploads: [FileUpload!]! }
  type FileUpload { documentType: String! mimeType: String fileSize: Int width: Int height: Int uploadStatus: String! }
  type Signature { id: ID! contractType: String! contractVersion: String! contractSignedDate: DateTime! createdAt: DateTime! }
`;

/** The loaders of one request. */
export interface Loaders {
  loaders: ReturnType<typeof makeLoaders>;
}

/** A dataloader for each relation. */
export function makeLoaders() {
  return {
    identities: new DataLoader(read.identities),
    documents: new DataLoader(read.documents),
    files: new DataLoader(read.files),
    signatures: new DataLoader(read.signatures),
  };
}

type Resolvers = Readonly<Record<string, Readonly<Record<string, GraphQLFieldResolver<never, never>>>>>;

const ROOTS: Resolvers = {
  Query: {
    customer: (_root, { id }: { id: string }) => read.customer(id),
    customers: async (_root, { after, filter }: { after?: string | null; filter?: { status?: string[] } }) => {
      const rows = await read.page(filter?.status?.[0] ?? '', after ?? null);
      return { nodes: rows.slice(0, PAGE), pageInfo: { hasNextPage: rows.length > PAGE } };
    },
  },
};
const RELATIONS: Resolvers = {
  Customer: { identity: (customer: CustomerRow, _, { loaders }: Loaders) => (customer.current_identity_id === null ? null : loaders.identities.load(customer.current_identity_id)) },
  Identity: {
    documents: ({ id }: IdentityRow, _, { loaders }: Loaders) => loaders.documents.load(id),
    signatures: ({ id }: IdentityRow, _, { loaders }: Loaders) => loaders.signatures.load(id),
  },
  Document: { fileUploads: ({ id }: DocumentRow, _, { loaders }: Loaders) => loaders.files.load(id) },
};

/** The schema with its resolvers; those of relations are left out for who brings loaders of its own. */
export function handSchema({ relations }: { relations: boolean }): GraphQLSchema {
  const schema = buildSchema(SDL);
  (schema.getType('DateTime') as GraphQLScalarType).serialize = (value) => (value as Date).toISOString();
  for (const [type, fields] of Object.entries({ ...ROOTS, ...(relations ? RELATIONS : {}) })) {
    for (const [field, resolve] of Object.entries(fields)) {
      const definition = (schema.getType(type) as GraphQLObjectType).getFields()[field];
      if (definition) definition.resolve = resolve as GraphQLFieldResolver<unknown, unknown>;
    }
  }
  return schema;
}
