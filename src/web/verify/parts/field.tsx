import { useMemo, useState } from 'react';
import {
  Button, ComboBox, FieldError, Group, Input, Label, ListBox, ListBoxItem, Popover, Radio, RadioGroup, Select, SelectValue, Text, TextField,
} from 'react-aria-components';
import { countries, fieldOf } from '../fields';
import { useTexts } from '../i18n';

/** Choices up to this many are shown all at once. */
const MOST_RADIOS = 5;

export interface FieldProps {
  path: string;
  value: string | boolean | undefined;
  /** What is wrong with it, in words; null when nothing is, or it was not looked at yet. */
  fault: string | null;
  isRequired: boolean;
  onChange(value: string | boolean): void;
  /** The person has gone on to another field. */
  onLeave(): void;
}

/** One field of the form, whatever its kind. */
export function FormField(props: FieldProps) {
  const { kind } = fieldOf(props.path);
  const { t, label } = useTexts();
  if (kind === 'date') return <DateParts {...props} />;
  if (kind === 'country') return <CountryField {...props} />;
  if (kind === 'boolean') return <Choices {...props} options={[{ key: 'true', name: t('yes') }, { key: 'false', name: t('no') }]} />;
  if (typeof kind !== 'string') {
    const name = props.path.split('.').at(-1)!;
    const options = kind.map((word) => ({ key: word, name: label(`${name}.${word}`) ?? word }));
    return options.length <= MOST_RADIOS ? <Choices {...props} options={options} /> : <Dropdown {...props} options={options} />;
  }
  return <TextInput {...props} />;
}

function LabelText({ path, isRequired }: { path: string; isRequired: boolean }) {
  const { t, label } = useTexts();
  return (
    <>
      {label(path) ?? path}
      {!isRequired && <span className="muted"> ({t('optional')})</span>}
    </>
  );
}

function Hint({ path }: { path: string }) {
  const { label } = useTexts();
  const hint = label(`${path}.hint`);
  return hint === undefined ? null : <Text slot="description" className="small muted">{hint}</Text>;
}

function TextInput({ path, value, fault, isRequired, onChange, onLeave }: FieldProps) {
  const { kind, autoComplete } = fieldOf(path);
  return (
    <TextField
      className="field" name={path} value={String(value ?? '')} onChange={onChange} onBlur={onLeave} isInvalid={fault !== null} isRequired={isRequired} validationBehavior="aria"
      type={kind === 'phone' ? 'tel' : 'text'} inputMode={kind === 'amount' ? 'decimal' : kind === 'phone' ? 'tel' : 'text'} autoComplete={autoComplete ?? 'off'}
    >
      <Label><LabelText path={path} isRequired={isRequired} /></Label>
      <Hint path={path} />
      <Input spellCheck="false" />
      <FieldError>{fault}</FieldError>
    </TextField>
  );
}

type Option = { key: string; name: string };

function Choices({ path, value, fault, isRequired, onChange, onLeave, options }: FieldProps & { options: readonly Option[] }) {
  const isBoolean = fieldOf(path).kind === 'boolean';
  return (
    <RadioGroup
      className="field choices" value={value === undefined ? null : String(value)} isInvalid={fault !== null} isRequired={isRequired} validationBehavior="aria"
      onChange={(key) => onChange(isBoolean ? key === 'true' : key)} onBlur={onLeave}
    >
      <Label><LabelText path={path} isRequired={isRequired} /></Label>
      <Hint path={path} />
      <div className={isBoolean ? 'options row' : 'options'}>
        {options.map(({ key, name }) => (
          <Radio key={key} value={key} className="option">{name}</Radio>
        ))}
      </div>
      <FieldError>{fault}</FieldError>
    </RadioGroup>
  );
}

function Dropdown({ path, value, fault, isRequired, onChange, onLeave, options }: FieldProps & { options: readonly Option[] }) {
  const { t } = useTexts();
  return (
    <Select
      className="field" selectedKey={value === undefined ? null : String(value)} isInvalid={fault !== null} isRequired={isRequired} validationBehavior="aria" placeholder={t('choose')}
      onSelectionChange={(key) => key !== null && onChange(String(key))} onBlur={onLeave}
    >
      <Label><LabelText path={path} isRequired={isRequired} /></Label>
      <Hint path={path} />
      <Button className="dropdown"><SelectValue /><Chevron /></Button>
      <FieldError>{fault}</FieldError>
      <Popover className="popover">
        <ListBox items={options}>{({ key, name }) => <ListBoxItem id={key} className="item">{name}</ListBoxItem>}</ListBox>
      </Popover>
    </Select>
  );
}

function CountryField({ path, value, fault, isRequired, onChange, onLeave }: FieldProps) {
  const { language } = useTexts();
  return (
    <CountryChoice
      label={<LabelText path={path} isRequired={isRequired} />} value={value === undefined ? null : String(value)} language={language}
      fault={fault} isRequired={isRequired} autoComplete={fieldOf(path).autoComplete ?? 'off'} onChange={onChange} onLeave={onLeave}
    />
  );
}

interface CountryChoiceProps {
  label: React.ReactNode;
  value: string | null;
  language: string;
  fault?: string | null;
  isRequired?: boolean;
  autoComplete?: string;
  onChange(code: string): void;
  onLeave?: () => void;
}

/** A country by its name; the list narrows while one types. */
export function CountryChoice({ label, value, language, fault = null, isRequired = false, autoComplete = 'off', onChange, onLeave }: CountryChoiceProps) {
  const { t } = useTexts();
  const all = useMemo(() => countries(language), [language]);
  const nameOf = (code: string | null): string => all.find((country) => country.code === code)?.name ?? '';
  // Undefined: nothing is being typed, and the field shows the country that was chosen, in the language of the page.
  const [typed, setTyped] = useState<string>();
  return (
    <ComboBox
      className="field" items={filtered(all, typed)} inputValue={typed ?? nameOf(value)} selectedKey={value} isInvalid={fault !== null} isRequired={isRequired} validationBehavior="aria"
      menuTrigger="input" allowsEmptyCollection
      onInputChange={(text) => setTyped(text === nameOf(value) ? undefined : text)}
      onSelectionChange={(code) => {
        setTyped(undefined);
        if (code !== null) onChange(String(code));
      }}
      onBlur={() => {
        setTyped(undefined);
        onLeave?.();
      }}
    >
      <Label>{label}</Label>
      <Group className="combo">
        <Input autoComplete={autoComplete} placeholder={t('search')} />
        <Button aria-label={t('choose')}><Chevron /></Button>
      </Group>
      <FieldError>{fault}</FieldError>
      <Popover className="popover">
        <ListBox<{ code: string; name: string }> renderEmptyState={() => <p className="item muted">{t('noResults')}</p>}>
          {({ code, name }) => <ListBoxItem id={code} textValue={name} className="item">{name}</ListBoxItem>}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}

/** The countries whose names have what was typed, those that begin with it first; accents do not count. */
function filtered(all: readonly { code: string; name: string }[], typed: string | undefined): { code: string; name: string }[] {
  const fold = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const wanted = fold(typed ?? '').trim();
  if (wanted === '') return [...all];
  const begins = (name: string): boolean => fold(name).startsWith(wanted);
  return all.filter(({ name }) => fold(name).includes(wanted)).sort((one, other) => Number(begins(other.name)) - Number(begins(one.name)));
}

const PARTS = ['year', 'month', 'day'] as const;
type Part = (typeof PARTS)[number];

/** A date that one knows by heart is typed fastest in three fields, in the order of the language. */
function DateParts({ path, value, fault, isRequired, onChange, onLeave }: FieldProps) {
  const { language } = useTexts();
  const given = String(value ?? '').split('-');
  const name = path.split('.').at(-1)!;
  const order = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language).formatToParts().map(({ type }) => type).filter((type): type is Part => PARTS.includes(type as Part));
  const names = new Intl.DisplayNames([language], { type: 'dateTimeField' });
  const birthday = fieldOf(path).autoComplete === 'bday';
  const set = (part: Part, text: string): void => {
    const parts = PARTS.map((each, index) => (each === part ? text.replaceAll(/\D/g, '') : (given[index] ?? '')));
    onChange(parts.join('-'));
  };
  return (
    <fieldset className="field date" aria-describedby={fault === null ? undefined : `${name}-fault`} onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || onLeave()}>
      <legend><LabelText path={path} isRequired={isRequired} /></legend>
      <div className="parts">
        {order.map((part) => (
          <label key={part} className={part}>
            <span className="small muted">{names.of(part)}</span>
            <input
              name={`${name}-${part}`} inputMode="numeric" maxLength={part === 'year' ? 4 : 2} value={given[PARTS.indexOf(part)] ?? ''} aria-invalid={fault !== null} required={isRequired}
              autoComplete={birthday ? `bday-${part}` : 'off'} onChange={(event) => set(part, event.target.value)}
            />
          </label>
        ))}
      </div>
      {fault !== null && <span id={`${name}-fault`} className="react-aria-FieldError">{fault}</span>}
    </fieldset>
  );
}

function Chevron() {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d="m5 8 5 5 5-5" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
