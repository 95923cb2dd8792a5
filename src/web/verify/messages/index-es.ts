import { es } from './es';
import { labels } from './labels-es';

/** Spanish, with the server's faults by their codes. */
export const catalogue = {
  ...es,
  labels,
  faults: {
    invalid: 'Este valor no es posible. Revíselo.',
    required: 'Rellene este campo.',
    blank: 'Rellene este campo.',
    too_long: 'Es demasiado largo.',
    too_young: 'Debe ser mayor de edad.',
    in_future: 'La fecha está en el futuro.',
    out_of_range: 'Queda demasiado lejos o no es posible.',
    unknown_country: 'Este país no se conoce.',
    not_a_subdivision: 'Esta región no existe en ese país.',
    contradiction: 'No encaja con las demás respuestas.',
    control_character: 'Hay caracteres que no son posibles.',
    unknown_value: 'Elija una de las respuestas.',
    masked: 'Escriba el número entero.',
    expired: 'El documento ha caducado. Use uno válido.',
    too_large: 'El archivo es demasiado grande.',
    too_few_pixels: 'La imagen es demasiado pequeña: al menos 200 × 200 píxeles.',
    too_many_pixels: 'La imagen es demasiado grande. Use una más pequeña.',
    unsupported_type: 'Use JPEG, PNG o PDF.',
    corrupt: 'El archivo no se puede leer. Haga la foto de nuevo.',
    empty: 'El archivo está vacío.',
    truncated: 'El archivo está incompleto. Elíjalo de nuevo.',
    polyglot: 'Este archivo no se puede aceptar. Haga la foto de nuevo.',
    encrypted: 'El PDF está protegido. Use uno sin contraseña.',
    no_pages: 'El PDF no tiene páginas.',
    too_many_pages: 'El PDF tiene demasiadas páginas.',
    not_accepted: 'No se pide este documento. Elija otro.',
  },
};
