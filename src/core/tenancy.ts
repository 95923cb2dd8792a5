import { ORGANIZATION_SETTING } from './database.js';

/**
 * The filter that every entity bears: its rows belong to one organization. The same condition is a policy of
 * row-level security in the migrations, and this filter stages the session variable that the policy compares with.
 */
export const tenantFilters = {
  tenant: {
    name: 'tenant',
    cond: (parameters: Record<string, unknown>) => ({ organizationId: parameters['organizationId'] }),
    default: true,
    rls: { setting: ORGANIZATION_SETTING },
  },
};
