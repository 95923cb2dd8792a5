import sharp from 'sharp';

/** What the walks upload. */
export interface Pictures {
  /** One that a reviewer would object to. */
  poor: File;
  good: File;
}

/** The data page of a passport, 125 × 88 mm (ICAO 9303, TD3), at 300 dots an inch. */
const WIDTH = 1476;
const HEIGHT = 1039;
/** Out of focus enough to be warned of, in pixels. */
const BLUR = 6;
/** A camera's noise. Without it a drawing would compress to less than any photo does. */
const GRAIN = 9;

interface Holder {
  surname: string;
  givenNames: string;
  country: string;
  number: string;
  born: string;
  expires: string;
  /** Lines of the machine-readable zone, 44 characters each. */
  zone: readonly [string, string];
}

const LENA: Holder = {
  surname: 'HOFFMANN', givenNames: 'LENA', country: 'UTO', number: 'C01X00T47', born: '17 APR 1991', expires: '31 MAY 2033',
  zone: ['P<UTOHOFFMANN<<LENA<<<<<<<<<<<<<<<<<<<<<<<<<', 'C01X00T478UTO9104174F3305315<<<<<<<<<<<<<<04'],
};

/** Draws a passport of Utopia, ICAO's specimen country, as a phone might photograph it: well, and badly. */
export async function drawPictures(): Promise<Pictures> {
  const page = await sharp(Buffer.from(draw(LENA))).removeAlpha().png().toBuffer();
  const grain = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: 'grey', noise: { type: 'gaussian', mean: 128, sigma: GRAIN } } }).png().toBuffer();
  const photo = await sharp(page).composite([{ input: grain, blend: 'soft-light' }]).png().toBuffer();
  const [good, poor] = await Promise.all([sharp(photo).jpeg({ quality: 92 }).toBuffer(), sharp(photo).resize(640).blur(BLUR).jpeg({ quality: 80 }).toBuffer()]);
  return { good: file(good, 'passport.jpg'), poor: file(poor, 'passport-blurred.jpg') };
}

function file(bytes: Buffer, name: string): File {
  return new File([new Uint8Array(bytes)], name, { type: 'image/jpeg' });
}

function draw(holder: Holder): string {
  const field = (x: number, y: number, label: string, value: string): string =>
    `<text x="${x}" y="${y}" font-size="24" fill="#47628a">${label}</text><text x="${x}" y="${y + 44}" font-size="40" font-weight="bold" fill="#1c2333">${value}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="DejaVu Sans, Liberation Sans, Arial, sans-serif">
    <defs><linearGradient id="paper" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#e9dcc4"/><stop offset="0.5" stop-color="#d7e3ea"/><stop offset="1" stop-color="#e7cfd2"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#paper)"/>
    ${guilloche()}
    <text x="70" y="96" font-size="52" font-weight="bold" fill="#7a1f2b">PASSPORT · UTOPIA</text>
    <text x="1130" y="96" font-size="40" fill="#7a1f2b">SPECIMEN</text>
    ${portrait()}
    ${field(520, 180, 'Surname', holder.surname)}
    ${field(520, 290, 'Given names', holder.givenNames)}
    ${field(520, 400, 'Nationality', holder.country)}
    ${field(960, 400, 'Passport No.', holder.number)}
    ${field(520, 510, 'Date of birth', holder.born)}
    ${field(960, 510, 'Date of expiry', holder.expires)}
    <rect y="800" width="100%" height="239" fill="#f4f1ea"/>
    ${holder.zone.map((line, index) => `<text x="60" y="${885 + index * 80}" font-size="46" textLength="1356" font-family="DejaVu Sans Mono, Liberation Mono, monospace" fill="#111">${line.replaceAll('<', '&lt;')}</text>`).join('')}
  </svg>`;
}

/** Fine waves over the whole page, as security printing has them. */
function guilloche(): string {
  const wave = (offset: number): string => {
    const points = Array.from({ length: 62 }, (_, step) => `${step * 25},${offset + Math.round(26 * Math.sin(step / 3 + offset / 40))}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${offset % 44 === 0 ? '#9a6a86' : '#5f8aa3'}" stroke-opacity="0.45" stroke-width="2"/>`;
  };
  return Array.from({ length: 46 }, (_, index) => wave(index * 22)).join('');
}

function portrait(): string {
  return `<g transform="translate(70 150)"><rect width="390" height="520" fill="#c9d4dc"/>
    <path d="M40 520 C50 400 130 370 195 370 C260 370 340 400 350 520 Z" fill="#2f3f5c"/>
    <rect x="155" y="300" width="80" height="90" fill="#d9a98a"/>
    <ellipse cx="195" cy="215" rx="105" ry="140" fill="#e2b597"/>
    <path d="M85 215 C80 70 310 70 305 215 C290 130 230 120 195 125 C160 120 100 130 85 215 Z" fill="#4a3427"/>
    <circle cx="155" cy="205" r="11" fill="#2a2320"/><circle cx="235" cy="205" r="11" fill="#2a2320"/>
    <path d="M150 285 Q195 310 240 285" fill="none" stroke="#8d4a3f" stroke-width="9"/></g>`;
}
