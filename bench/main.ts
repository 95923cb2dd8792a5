import { Bench, FULL, SHORT, say, type Extent, type Work } from './bench.ts';
import { profile } from './profile.ts';
import { sectionText } from './report/text.ts';
import type { Section } from './section.ts';
import { uploads } from './uploads.ts';
import { WORKS } from './works.ts';

/** Runs works on rows of this extent, telling of each as it is done. */
async function measure(works: readonly Work[], extent: Extent): Promise<Section[]> {
  const bench = await Bench.open(extent);
  try {
    const sections: Section[] = [];
    for (const work of works) {
      say(`${work.name} …`);
      const section = await work.run(bench);
      sections.push(section);
      console.log(`\n${sectionText(section)}`);
    }
    return sections;
  } finally {
    await bench.stop();
  }
}

const [command, subject = ''] = process.argv.slice(2);
/** What one work or a profile is run on. */
const extent = process.env['BENCH_EXTENT'] === 'short' ? SHORT : FULL;
const wanted = WORKS.filter(({ name }) => name === command);
if (command === 'uploads') await uploads();
else if (command === 'profile') await profile(subject, extent);
else if (command === 'short') await measure(WORKS, SHORT);
else if (command === undefined) await measure(WORKS, FULL);
else if (wanted.length > 0) await measure(wanted, extent);
else throw new Error(`There is no benchmark ${command}: ${[...WORKS.map(({ name }) => name), 'uploads', 'short', 'profile'].join(', ')}.`);
