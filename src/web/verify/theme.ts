import type { HostedPageQuery } from '../generated/graphql';

export type Page = HostedPageQuery['hostedPage'];

/** How the page looks: the organization's name, logo and colour, which the gateway has checked for contrast. */
export interface Theme {
  name: string | null;
  logo: string | null;
  isSandbox: boolean;
}

export function themeOf(page: Page | null): Theme {
  // Set as a property, not as an attribute: the content security policy refuses inline styles.
  if (page?.colour) document.documentElement.style.setProperty('--brand', page.colour);
  return { name: page?.organizationName ?? null, logo: page?.logo ?? null, isSandbox: page?.environment === 'SANDBOX' };
}
