import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { answersOf, inputOf, isAnswered, type Answers } from './answers';
import { loadDraft, saveDraft } from './draft';
import { fieldOf, fieldsToShow, GROUPS, type Group } from './fields';
import { failureBy, run, type Failure } from './gateway';
import { useTexts } from './i18n';
import { DRY_RUN } from './operations';
import type { OpenVisit } from './visit';

/** Milliseconds without a key press after which the server is asked what it thinks of the answers. */
const PAUSE = 400;
/** The answers that others depend on: from them alone the server says everything that it will ask for. */
const DECIDING = ['kycData.nationality', 'kycData.address.country', 'kycData.countryOfResidence', 'kycData.politicallyExposedPerson', 'kycData.isEntity'];
/** Faults of what the page answers itself are shown where the person can do something about them. */
const SHOWN_AT: Readonly<Record<string, string>> = { 'kycData.address.stateCode': 'kycData.address.state', 'kycData.address.locale': 'kycData.address.country' };

export type Faults = Readonly<Record<string, string>>;

export interface Form {
  answers: Answers;
  /** The fields of each page, in their order. */
  pages: readonly { group: Group; fields: readonly string[] }[];
  faults: Faults;
  isRequired(path: string): boolean;
  answer(path: string, value: string | boolean): void;
  leave(path: string): void;
  /** Asks the server about the answers as they are. @returns whether these fields may go on, or why that cannot be said. */
  check(paths: readonly string[]): Promise<{ passes: boolean; failure: Failure | null }>;
  /** Shows what the server has refused. */
  refuse(failure: Failure): void;
  /** The answers to what is asked, as the API takes them. */
  input(): ReturnType<typeof inputOf>;
}

/** The form that the requirements of this customer draw, checked by the server while it is filled in. */
export function useForm({ gateway, customer }: OpenVisit): Form {
  const texts = useTexts();
  const stored = useMemo(() => answersOf({ ...named(customer), ...customer.kycData }), [customer]);
  const [answers, setAnswers] = useState<Answers>(() => ({ ...stored, ...reentered(customer.requirements), ...loadDraft(customer.id) }));
  const [asked, setAsked] = useState<ReadonlySet<string>>(() => wantedBy(customer.requirements));
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [found, setFound] = useState<Failure['fields']>([]);
  const isCorrection = customer.identity !== null && !['EXPIRED', 'DECLINED'].includes(customer.identity.status);
  const wanted = useMemo(() => wantedBy(customer.requirements), [customer.requirements]);
  const transactionType = customer.identity?.transactionType ?? null;

  const shown = useMemo(() => fieldsToShow(asked), [asked]);
  const isRequired = (path: string): boolean => {
    const { optionalWith, isSecret } = fieldOf(path);
    // A number that is stored is not shown; without a word of the server's it need not come again.
    return !(optionalWith !== undefined && !asked.has(path)) && !(isSecret && customer.identity !== null && !wanted.has(path));
  };
  const ask = useCallback((given: Answers) => run(gateway, DRY_RUN, { kycData: inputOf(given, texts.language), transactionType }), [gateway, texts.language, transactionType]);
  useAsked(answers, isCorrection, wanted, ask, setAsked);
  useFaults(answers, ask, setFound);

  return {
    answers,
    pages: GROUPS.map((group) => ({ group, fields: shown.filter((path) => fieldOf(path).group === group) })).filter(({ fields }) => fields.length > 0),
    faults: faultsShown(shown, answers, touched, found, isRequired, texts),
    isRequired,
    answer: (path, value) => {
      const next = { ...answers, [path]: value };
      setAnswers(next);
      saveDraft(customer.id, pick(next, shown));
    },
    leave: (path) => setTouched((before) => new Set([...before, path])),
    check: async (paths) => {
      setTouched((before) => new Set([...before, ...paths]));
      const { fields, failure } = await ask(answers).then(() => ({ fields: [], failure: null }), refusalOf);
      setFound(fields);
      const passes = failure === null && paths.every((path) => (!isRequired(path) || isAnswered(path, answers[path])) && !fields.some((fault) => placeOf(fault.path) === path));
      return { passes, failure };
    },
    refuse: ({ fields }) => {
      setTouched((before) => new Set([...before, ...shown]));
      setFound(fields);
    },
    input: () => inputOf(pick(answers, shown), texts.language),
  };
}

/** The name that the partner has given, for who has not given theirs yet. */
function named({ firstName, lastName }: OpenVisit['customer']): object {
  return { legalFirstName: firstName, legalLastName: lastName };
}

/** What has to be entered again is not filled in with what was wrong about it. */
function reentered(requirements: OpenVisit['customer']['requirements']): Answers {
  return Object.fromEntries(requirements.flatMap(({ field, code }) => (field !== null && field !== undefined && code === 'REENTER' && typeof fieldOf(field).kind === 'string' && fieldOf(field).kind !== 'boolean' ? [[field, '']] : [])));
}

function wantedBy(requirements: readonly { field?: string | null }[]): ReadonlySet<string> {
  return new Set(requirements.flatMap(({ field }) => field ?? []));
}

function pick(answers: Answers, paths: readonly string[]): Answers {
  return Object.fromEntries(Object.entries(answers).filter(([path]) => paths.includes(path)));
}

function placeOf(path: string): string {
  return SHOWN_AT[path] ?? path;
}

/** What a refused dry run says: faults of fields, or that it could not be asked. */
function refusalOf(thrown: unknown): { fields: Failure['fields']; failure: Failure | null } {
  const failure = failureBy(thrown);
  return failure.code === 'BAD_USER_INPUT' ? { fields: failure.fields, failure: null } : { fields: [], failure };
}

type Ask = (given: Answers) => Promise<{ requirements: readonly { field?: string | null }[] }>;

/** Learns which fields are asked for, whenever an answer that decides it changes. */
function useAsked(answers: Answers, isCorrection: boolean, wanted: ReadonlySet<string>, ask: Ask, setAsked: (asked: ReadonlySet<string>) => void): void {
  const deciding = JSON.stringify(isCorrection ? pick(answers, [...DECIDING, ...wanted]) : pick(answers, DECIDING));
  const everAsked = useRef(new Set(wanted));
  useEffect(() => {
    let current = true;
    // For a correction: what is wanted, and what the new answers add to it; else everything that a person like this gives.
    const given = isCorrection ? answers : (JSON.parse(deciding) as Answers);
    ask(given).then(
      ({ requirements }) => {
        if (!current) return;
        const fields = [...wantedBy(requirements)].filter((path) => !(isCorrection && fieldOf(path).isSecret));
        if (isCorrection) setAsked((everAsked.current = new Set([...everAsked.current, ...fields])));
        else setAsked(new Set([...fields, ...DECIDING.filter((path) => path in given && wanted.has(path)), ...alwaysAsked(wanted, given)]));
      },
      () => undefined,
    );
    return () => {
      current = false;
    };
    // The other answers decide nothing.
  }, [deciding, ask, isCorrection]);
}

/** The deciding fields that are answered are no longer missing, but still belong to the form. */
function alwaysAsked(wanted: ReadonlySet<string>, given: Answers): string[] {
  const always = ['kycData.nationality', 'kycData.address.country'];
  return [...always, ...DECIDING.filter((path) => wanted.has(path) || (path in given && !always.includes(path)))];
}

/** Learns what is wrong with the answers, once the typing pauses. */
function useFaults(answers: Answers, ask: Ask, setFound: (fields: Failure['fields']) => void): void {
  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      ask(answers).then(
        () => current && setFound([]),
        (thrown: unknown) => {
          const { fields, failure } = refusalOf(thrown);
          // Nobody answers: what was found before still holds.
          if (current && failure === null) setFound(fields);
        },
      );
    }, PAUSE);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [answers, ask, setFound]);
}

/** The faults that are shown: of fields that the person has been at. What is blank is only said when they have gone on. */
function faultsShown(shown: readonly string[], answers: Answers, touched: ReadonlySet<string>, found: Failure['fields'], isRequired: (path: string) => boolean, texts: ReturnType<typeof useTexts>): Faults {
  const faults: Record<string, string> = {};
  for (const path of shown) {
    if (!touched.has(path)) continue;
    const fault = found.find((each) => placeOf(each.path) === path);
    const isChoice = typeof fieldOf(path).kind !== 'string' || fieldOf(path).kind === 'boolean';
    if (!isAnswered(path, answers[path])) {
      if (isRequired(path)) faults[path] = texts.t(isChoice ? 'requiredChoice' : 'required');
    } else if (fault) faults[path] = texts.fault(path, fault.code, fault.message);
  }
  return faults;
}
