import { useEffect, useState } from 'react';
import { Checkbox, FieldError, Input, Label, TextField } from 'react-aria-components';
import { failureBy, run, type Failure } from '../gateway';
import { useTexts } from '../i18n';
import { phasesOf, type Requirement } from '../journey';
import { SUBMIT_SIGNATURES } from '../operations';
import { FailureNote, Phases, PrimaryButton, Title } from '../parts/basics';
import type { OpenVisit } from '../visit';

type Contract = NonNullable<Requirement['contract']>;

/** Every contract with its text and version, each agreed to by itself, all signed by one name. */
export function Signing({ visit }: { visit: OpenVisit }) {
  const { t } = useTexts();
  const { customer } = visit;
  const contracts = customer.requirements.flatMap(({ contract }) => contract ?? []);
  const [agreed, setAgreed] = useState<ReadonlySet<string>>(new Set());
  const [name, setName] = useState([customer.kycData?.legalFirstName, customer.kycData?.legalLastName].filter(Boolean).join(' '));
  const [isTried, setTried] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [isPending, setPending] = useState(false);
  const sign = async (): Promise<void> => {
    setTried(true);
    if (name.trim() === '' || contracts.some(({ type }) => !agreed.has(type))) return;
    setPending(true);
    try {
      const signatures = contracts.map(({ type, version }) => ({ contractType: type, contractVersion: version, contractSignerNameFull: name.trim(), userAgreesToTerms: true }));
      await run(visit.gateway, SUBMIT_SIGNATURES, { input: { identityId: customer.identity!.id, signatures } });
      await visit.refresh();
    } catch (error) {
      const refusal = failureBy(error);
      setFailure(refusal);
      if (refusal.code !== 'network') await visit.refresh().catch(() => undefined);
    } finally {
      setPending(false);
    }
  };
  return (
    <form noValidate onSubmit={(event) => { event.preventDefault(); void sign(); }}>
      <Phases phases={phasesOf(customer, 'sign')} current="sign" />
      <Title hint={t('sign.hint')}>{t('sign.title')}</Title>
      <FailureNote failure={failure} />
      {contracts.map((contract) => (
        <ContractText
          key={contract.type} contract={contract} isAgreed={agreed.has(contract.type)} isMissing={isTried && !agreed.has(contract.type)}
          onChange={(agrees) => setAgreed(new Set(agrees ? [...agreed, contract.type] : [...agreed].filter((type) => type !== contract.type)))}
        />
      ))}
      <TextField className="field" value={name} onChange={setName} isRequired isInvalid={isTried && name.trim() === ''} validationBehavior="aria" autoComplete="name">
        <Label>{t('sign.name')}</Label>
        <Input className="signature" />
        <FieldError>{t('required')}</FieldError>
      </TextField>
      <div className="buttons">
        <PrimaryButton type="submit" isPending={isPending}>{t('sign.submit')}</PrimaryButton>
      </div>
    </form>
  );
}

function ContractText({ contract: { type, title, version, text }, isAgreed, isMissing, onChange }: { contract: Contract; isAgreed: boolean; isMissing: boolean; onChange(agrees: boolean): void }) {
  const { t } = useTexts();
  // A text of another version than the one that was agreed to is another text.
  useEffect(() => onChange(false), [version]);
  return (
    <section className="contract" aria-labelledby={`title-${type}`}>
      <header>
        <h2 id={`title-${type}`}>{title}</h2>
        <span className="small muted">{t('sign.version', { version })}</span>
      </header>
      <div className="text" tabIndex={0} role="region" aria-label={t('sign.read', { title })}>{text}</div>
      <Checkbox className="consent" isSelected={isAgreed} onChange={onChange} isInvalid={isMissing} validationBehavior="aria">
        <span className="box" aria-hidden="true"><svg viewBox="0 0 18 18"><path d="m4 9 4 4 7-8" /></svg></span>
        <span>{t('sign.consent', { title })}</span>
      </Checkbox>
      {isMissing && <p className="react-aria-FieldError" role="alert">{t('sign.consentNeeded')}</p>}
    </section>
  );
}
