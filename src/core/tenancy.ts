/**
 * The role that every statement on behalf of an organization runs under. It owns nothing and has no privilege but
 * the grants of the migrations, so row-level security holds for it even where the gateway's own user is a superuser.
 */
export const TENANT_ROLE = 'kyc_gateway_tenant';
/** The role of statements on behalf of one customer: the other's rights, and policies that leave it nothing but that customer's rows. */
export const CUSTOMER_ROLE = 'kyc_gateway_customer';
/** The session variables that the policies of row-level security compare with. */
export const ORGANIZATION_SETTING = 'kyc_gateway.organization_id';
export const CUSTOMER_SETTING = 'kyc_gateway.customer_id';

/**
 * Enters a scope until the transaction ends: role, organization, customer (none: empty).
 * Whatever is asked then, row-level security leaves the rows of that scope.
 */
export const ENTER_SCOPE = `select set_config('role', $1, true), set_config('${ORGANIZATION_SETTING}', $2, true), set_config('${CUSTOMER_SETTING}', $3, true)`;
/** The same of a transaction that only reads. */
export const ENTER_READING = `${ENTER_SCOPE}, set_config('transaction_read_only', 'on', true)`;
