import { createPrivateKey } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import type { CreateClientTokenInput } from '../generated/graphql.js';
import { graphql } from '../generated/index.js';
import type { Client } from './client.js';
import { TOKEN_KEY } from './token-key.js';

export const CREATE_CLIENT_TOKEN = graphql(`
  mutation CreateClientToken($input: CreateClientTokenInput!) {
    createClientToken(input: $input) {
      token
      expiresAt
    }
  }
`);

export const EXCHANGE_CODE = graphql(`
  mutation ExchangeVerificationCode($input: ExchangeVerificationCodeInput!) {
    exchangeVerificationCode(input: $input) {
      token
      expiresAt
    }
  }
`);

export const VERIFICATION_LINK = graphql(`
  query VerificationLink($id: ID) {
    customer(id: $id) {
      id
      verificationLink
    }
  }
`);

/** A client token of a customer. */
export async function clientToken(partner: Client, customerId: string, input: Omit<CreateClientTokenInput, 'customerId'> = {}): Promise<string> {
  return (await partner.request(CREATE_CLIENT_TOKEN, { input: { customerId, ...input } })).createClientToken.token;
}

/** The code in the link to a customer's hosted page. */
export async function linkCode(partner: Client, customerId: string): Promise<string> {
  const { customer } = await partner.request(VERIFICATION_LINK, { id: customerId });
  return new URL(customer!.verificationLink!).hash.slice(1);
}

/** A token as the gateway itself would sign it, but for what is changed. */
export function signedAnew(token: string, claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
  const [first] = token.split('.');
  const own = JSON.parse(Buffer.from(first!, 'base64url').toString()) as { alg: string };
  return new SignJWT({ ...decodeJwt(token), ...claims }).setProtectedHeader({ ...own, ...header }).sign(createPrivateKey({ key: JSON.parse(TOKEN_KEY) as object, format: 'jwk' } as never));
}
