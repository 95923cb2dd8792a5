import { de } from './de';
import { labels } from './labels-de';

/** German, with the server's faults by their codes. */
export const catalogue = {
  ...de,
  labels,
  faults: {
    invalid: 'Dieser Wert ist nicht möglich. Bitte prüfen Sie ihn.',
    required: 'Bitte füllen Sie dieses Feld aus.',
    blank: 'Bitte füllen Sie dieses Feld aus.',
    too_long: 'Das ist zu lang.',
    too_young: 'Sie müssen volljährig sein.',
    in_future: 'Das Datum liegt in der Zukunft.',
    out_of_range: 'Das liegt zu weit zurück oder ist nicht möglich.',
    unknown_country: 'Dieses Land ist nicht bekannt.',
    not_a_subdivision: 'Diese Region gibt es in dem Land nicht.',
    contradiction: 'Das passt nicht zu den anderen Angaben.',
    control_character: 'Hier sind Zeichen, die nicht möglich sind.',
    unknown_value: 'Bitte wählen Sie eine der Antworten.',
    expired: 'Das Dokument ist abgelaufen. Bitte nehmen Sie ein gültiges.',
    too_large: 'Die Datei ist zu groß.',
    too_few_pixels: 'Das Bild ist zu klein: mindestens 200 × 200 Pixel.',
    too_many_pixels: 'Das Bild ist zu groß. Bitte nehmen Sie ein kleineres.',
    empty: 'Die Datei ist leer.',
    truncated: 'Die Datei ist unvollständig. Bitte wählen Sie sie noch einmal.',
    polyglot: 'Diese Datei kann nicht angenommen werden. Bitte nehmen Sie das Bild neu auf.',
    no_pages: 'Die PDF-Datei hat keine Seiten.',
    not_accepted: 'Nach diesem Dokument wird nicht gefragt. Bitte wählen Sie ein anderes.',
    unsupported_type: 'Bitte nehmen Sie JPEG, PNG oder PDF.',
    corrupt: 'Die Datei ist nicht lesbar. Bitte nehmen Sie sie neu auf.',
    encrypted: 'Die PDF-Datei ist geschützt. Bitte nehmen Sie eine ohne Kennwort.',
    too_many_pages: 'Die PDF-Datei hat zu viele Seiten.',
    masked: 'Bitte geben Sie die ganze Nummer ein.',
  },
};
