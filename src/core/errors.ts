import { GraphQLError } from 'graphql';

/**
 * Every code that `extensions.code` may bear, with its meaning for the partner and the status that
 * `extensions.statusCode` repeats (domain.md, Errors). `Query.errorCodes` and the README are made from it.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: { statusCode: 401, meaning: 'No valid API key or token came with the request. Send `Authorization: Bearer <key or token>`.' },
  FORBIDDEN: { statusCode: 403, meaning: 'The caller is known, but its role may not do this.' },
  NOT_FOUND: { statusCode: 404, meaning: 'There is no such object in the organization of the caller.' },
  BAD_USER_INPUT: { statusCode: 400, meaning: 'The input is malformed. `extensions.fields` lists every fault as { path, code, message }. Nothing was stored.' },
  PATCH_NOT_ALLOWED: { statusCode: 400, meaning: 'The state does not allow this now. `extensions` has customerStatus, identityStatus, allowedStatuses, allowedActions and verifiedAt. Nothing was stored.' },
  KYC_REQUIRED: { statusCode: 422, meaning: 'The person may not transact before verification has succeeded. `extensions` has partnerUserId and verificationLink.' },
  CONFLICT: { statusCode: 409, meaning: 'The object has changed since it was read. `extensions.version` is the current one: read again, then decide.' },
  IDEMPOTENCY_KEY_EXISTS: { statusCode: 409, meaning: 'This Idempotency-Key was used for another request, or for one that is still running.' },
  CURSOR_EXPIRED: { statusCode: 400, meaning: '`after` is older than what is kept: read the state, then subscribe anew.' },
  PAYLOAD_TOO_LARGE: { statusCode: 413, meaning: 'The request or one of its files is larger than is accepted.' },
  UNSUPPORTED_MEDIA_TYPE: { statusCode: 415, meaning: 'The content type of the request, or the type of a file by its bytes, is not accepted.' },
  RATE_LIMITED: { statusCode: 429, meaning: 'Too many requests. Try again after `extensions.retryAfter` seconds.' },
  OPERATION_TOO_COMPLEX: { statusCode: 400, meaning: 'The operation is too deep, too long or too costly. Ask for less at once.' },
  OPERATION_NOT_ALLOWED: { statusCode: 400, meaning: 'This operation is not accepted over this transport or is not in the list of trusted documents, or asks for the schema where introspection is off.' },
  GRAPHQL_PARSE_FAILED: { statusCode: 400, meaning: 'The document is not valid GraphQL syntax.' },
  GRAPHQL_VALIDATION_FAILED: { statusCode: 400, meaning: 'The document does not fit the schema.' },
  PERSISTED_QUERY_NOT_FOUND: { statusCode: 400, meaning: 'No operation of this hash is in the list of trusted documents.' },
  PERSISTED_QUERY_NOT_SUPPORTED: { statusCode: 400, meaning: 'Persisted queries are not accepted here: send the document.' },
  BAD_REQUEST: { statusCode: 400, meaning: 'The HTTP request is not a GraphQL request: malformed JSON, multipart or parameters.' },
  SERVICE_UNAVAILABLE: { statusCode: 503, meaning: 'The gateway cannot serve this now through no fault of yours. Try again after `extensions.retryAfter` seconds.' },
  INTERNAL_SERVER_ERROR: { statusCode: 500, meaning: 'An unexpected fault of the gateway. Quote `extensions.requestId` to its operator.' },
} as const satisfies Record<string, { statusCode: number; meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** One fault of the input. `path` is the path within the mutation's input, such as `kycData.address.postalCode`. */
export interface FieldFault {
  path: string;
  /** A stable word for programs, such as `required`, `invalid`, `too_young`, `taken`. */
  code: string;
  /** A sentence for people that says what to do and never repeats the value. */
  message: string;
}

/** A refusal with a code of the contract. `facts` become extensions beside `code` and `statusCode`. */
export function refusal(code: ErrorCode, message: string, facts: Record<string, unknown> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { ...facts, code, statusCode: ERROR_CODES[code].statusCode } });
}

/** BAD_USER_INPUT with every fault at once. `faults` must not be empty. */
export function badInput(faults: readonly FieldFault[]): GraphQLError {
  const first = faults[0];
  if (!first) throw new Error('badInput needs at least one fault');
  const message = faults.length === 1 ? `${first.path}: ${first.message}` : `${faults.length} fields are not acceptable; extensions.fields lists them.`;
  return refusal('BAD_USER_INPUT', message, { fields: faults });
}

/** NOT_FOUND in the same words for an unknown id, an id of another kind and another organization's id. */
export function notFound(kind: string): GraphQLError {
  return refusal('NOT_FOUND', `No ${kind} with this id exists in your organization.`);
}

/** An error with a code of the contract. */
export type Refusal = GraphQLError & { extensions: { code: ErrorCode } };

/** Whether an error is a refusal that a caller may see as it is. */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof GraphQLError && typeof error.extensions['code'] === 'string' && error.extensions['code'] in ERROR_CODES;
}
