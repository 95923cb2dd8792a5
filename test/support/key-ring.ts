/** KEY_RING of the gateways that have to be told one: what one of them has stored every other opens. */
export const KEY_RING = `tests:${Buffer.alloc(32, 'a key for tests').toString('base64url')}`;
