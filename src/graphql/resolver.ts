import { Arg, Ctx, Field, ID, Int, ObjectType, Query, registerEnumType, Resolver } from 'type-graphql';
import type { Loaded, RequestContext } from '../core/context.js';
import { ERROR_CODES, notFound, type ErrorCode } from '../core/errors.js';
import { kindOfId } from '../core/ids.js';
import { NodeObject } from '../core/objects.js';
import { loadCustomer } from '../customer/resolver.js';
import { loadDocument } from '../document/resolver.js';
import { loadEvent } from '../event/timeline-resolver.js';
import { loadIdentity } from '../identity/resolver.js';
import { loadSignature } from '../signature/resolver.js';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];
const ErrorCodeEnum = Object.fromEntries(codes.map((code) => [code, code])) as Record<ErrorCode, ErrorCode>;
registerEnumType(ErrorCodeEnum, {
  name: 'ErrorCode',
  description: 'extensions.code of a refused operation is one of these and of no others.',
  valuesConfig: Object.fromEntries(codes.map((code) => [code, { description: ERROR_CODES[code].meaning }])),
});

@ObjectType({ simpleResolvers: true })
class ErrorCodeInfo {
  @Field(() => ErrorCodeEnum)
  code!: ErrorCode;
  @Field(() => String)
  meaning!: string;
  @Field(() => Int)
  statusCode!: number;
}

/** How each kind of node is loaded; other kinds of id name no node. */
const LOADERS: Partial<Record<NonNullable<ReturnType<typeof kindOfId>>, (context: RequestContext, id: string) => Loaded<NodeObject>>> = {
  customer: loadCustomer,
  identity: loadIdentity,
  document: loadDocument,
  signature: loadSignature,
  event: loadEvent,
};

@Resolver()
export class RootResolver {
  @Query(() => NodeObject, { nullable: true, description: 'Any object by its id. NOT_FOUND when your organization has none such.' })
  node(@Ctx() context: RequestContext, @Arg('id', () => ID) id: string): Loaded<NodeObject> {
    const kind = kindOfId(id);
    const load = kind === null ? undefined : LOADERS[kind];
    if (!load) throw notFound('object');
    return load(context, id);
  }

  @Query(() => [ErrorCodeInfo], { description: 'Every error code, what it means and its status.' })
  errorCodes(): ErrorCodeInfo[] {
    return codes.map((code) => ({ code, meaning: ERROR_CODES[code].meaning, statusCode: ERROR_CODES[code].statusCode }));
  }
}
