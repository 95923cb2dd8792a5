import { sql, type Kysely } from 'kysely';
import { canonicalJson } from '../core/audit-entry.js';
import type { Caller } from '../core/caller.js';
import { executeAsOwner, type Core } from '../core/command.js';
import type { Database } from '../core/database.js';
import { badInput, type FieldFault } from '../core/errors.js';
import type { Environment } from '../kyc/vocabularies.js';
import { lockOrganization, organizationFor } from './commands.js';
import type { Organization } from './entity.js';

/** How the hosted page looks for an organization's customers, and who may show it. */
export interface HostedPageSettings {
  /** A data: URL, since the page loads nothing from elsewhere. */
  logo: string | null;
  /** #rrggbb, of buttons and marks. */
  colour: string | null;
  /** Web origins whose pages may embed it and are sent its messages. */
  origins: string[];
}

/** What holds until an organization says otherwise: the page's own look, and nobody may embed it. */
export const PLAIN_PAGE: HostedPageSettings = { logo: null, colour: null, origins: [] };

/** A change of it: absent keeps, null brings back what holds without a word. */
export type HostedPagePatch = { [Name in keyof HostedPageSettings]?: HostedPageSettings[Name] | null | undefined };

/** Characters of the data: URL: 48 KB of picture, which a page can carry in each answer. */
const LONGEST_LOGO = 65_536;
/** Enough for every brand, country and stage of a partner's sites. */
const MOST_ORIGINS = 50;
/** WCAG 2.2, 1.4.3: of white text on the colour, and of the colour as text on white. */
const LEAST_CONTRAST = 4.5;
const LOGO = /^data:image\/(png|jpeg);base64,([A-Za-z0-9+/]+={0,2})$/;
/** The first bytes of each kind, in base64. */
const BEGINNINGS: Readonly<Record<string, string>> = { png: 'iVBORw0KGgo', jpeg: '/9j/' };
const COLOUR = /^#[0-9a-f]{6}$/;
/** What may stand in a header: a host that URLs allow may have more letters than that. */
const ORIGIN = /^(https:\/\/[a-z0-9.-]+|http:\/\/(localhost|127\.0\.0\.1))(:\d{1,5})?$/;

/** Changes how the hosted page looks and who may embed it, for pages that are opened from now on. */
export async function updateHostedPage(core: Core, caller: Caller, organizationId: string | null | undefined, patch: HostedPagePatch): Promise<Organization> {
  const id = organizationFor(caller, organizationId);
  return executeAsOwner(core, caller, async (em, note) => {
    const organization = await lockOrganization(em, id);
    const before = organization.hostedPage;
    const { faults, settings } = mergeHostedPage(before, patch);
    if (faults.length > 0) throw badInput(faults);
    organization.hostedPage = settings;
    const changed = (Object.keys(settings) as (keyof HostedPageSettings)[]).filter((name) => canonicalJson(before[name]) !== canonicalJson(settings[name]));
    note(id, { kind: 'POLICY_CHANGE', subjects: [id], fields: changed.map((name) => `hostedPage.${name}`).sort() });
    return organization;
  });
}

/** Merges a change, with every fault at once; the settings it returns are to be stored only while there are none. */
export function mergeHostedPage(current: HostedPageSettings, patch: HostedPagePatch): { faults: FieldFault[]; settings: HostedPageSettings } {
  const faults: FieldFault[] = [];
  const settings = { ...current };
  if (patch.logo !== undefined) {
    settings.logo = patch.logo;
    if (patch.logo !== null && !isLogo(patch.logo)) faults.push({ path: 'logo', code: 'invalid', message: `A data: URL of a PNG or a JPEG is expected, in base64 and of at most ${LONGEST_LOGO} characters.` });
  }
  if (patch.colour !== undefined) {
    settings.colour = patch.colour?.toLowerCase() ?? null;
    if (settings.colour !== null) faults.push(...colourFaults(settings.colour));
  }
  if (patch.origins !== undefined) {
    settings.origins = [...new Set(patch.origins ?? [])];
    if (settings.origins.length > MOST_ORIGINS) faults.push({ path: 'origins', code: 'too_many', message: `At most ${MOST_ORIGINS} origins are taken.` });
    for (const [index, origin] of settings.origins.entries()) {
      if (!isOrigin(origin)) faults.push({ path: `origins.${index}`, code: 'invalid', message: 'A web origin is expected: https, a host and nothing behind it, such as https://www.example.com. http is for localhost alone.' });
    }
  }
  return { faults, settings };
}

function isLogo(logo: string): boolean {
  if (logo.length > LONGEST_LOGO) return false;
  const [, kind, content] = LOGO.exec(logo) ?? [];
  return kind !== undefined && content !== undefined && content.startsWith(BEGINNINGS[kind]!);
}

function colourFaults(colour: string): FieldFault[] {
  if (!COLOUR.test(colour)) return [{ path: 'colour', code: 'invalid', message: 'A colour is expected as # and six hexadecimal digits.' }];
  const contrast = contrastWithWhite(colour);
  if (contrast >= LEAST_CONTRAST) return [];
  return [{ path: 'colour', code: 'low_contrast', message: `White text on this colour has a contrast of ${contrast.toFixed(2)} to 1, and could not be read by everybody: at least ${LEAST_CONTRAST} is needed. Take a darker one.` }];
}

/** WCAG 2.2, contrast ratio and relative luminance; white has a luminance of 1. */
function contrastWithWhite(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * red! + 0.7152 * green! + 0.0722 * blue! + 0.05);
}

function isOrigin(origin: string): boolean {
  return ORIGIN.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
}

interface HostedPageTables {
  organization: { id: string; name: string; environment: Environment; hosted_page: HostedPageSettings };
}

/** What the hosted page shows of an organization. */
export async function readHostedPage(database: Database, organizationId: string): Promise<HostedPageTables['organization']> {
  return database.read<HostedPageTables, HostedPageTables['organization']>(organizationId, (reader) =>
    reader.selectFrom('organization').select(['id', 'name', 'environment', 'hosted_page']).where('id', '=', organizationId).executeTakeFirstOrThrow(),
  );
}

/** Whether any organization lets pages of this origin embed the hosted page: asked before it is known whose customer comes. */
export async function isEmbedder(database: Database, origin: string): Promise<boolean> {
  if (!isOrigin(origin)) return false;
  const reader = database.owner().getKysely() as unknown as Kysely<HostedPageTables>;
  const found = await reader.selectFrom('organization').select('id').where(sql<boolean>`hosted_page->'origins' @> ${JSON.stringify([origin])}::jsonb`).limit(1).executeTakeFirst();
  return found !== undefined;
}
