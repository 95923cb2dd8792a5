import { Bench, FULL, SHORT, say, type Extent, type Work } from './bench.ts';
import { machineFacts, PROCESSOR } from './machine/facts.ts';
import { profile } from './profile.ts';
import { record, recordedRatios, worseThan } from './report/recorded.ts';
import { writeReport } from './report/report.ts';
import { missedGoals, sectionText } from './report/text.ts';
import type { Section } from './section.ts';
import { uploads } from './uploads.ts';
import { SHORT_WORKS, WORKS } from './works.ts';

const MILLISECONDS_PER_MINUTE = 60_000;
const MILLISECONDS_PER_SECOND = 1_000;

/** Sections with what a report says of where and how they were made. */
interface Run {
  sections: Section[];
  facts: Record<string, string>;
}

/** Runs a work. One that fails takes nothing from the others: the report says that it has, and the run ends as failed. */
async function run(work: Work, bench: Bench): Promise<Section> {
  try {
    return await work.run(bench);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
    return { name: work.name, title: 'not measured', about: 'It failed: the output of the run says why.', rows: [], goals: [] };
  } finally {
    await bench.stopServers();
  }
}

/** What the measuring of works may be told. */
interface Listeners {
  /** Whether a work is to be done once more. */
  isDoubtful?: (section: Section) => boolean;
  /** Hears of what has been measured so far, after each work. */
  onSection?: (run: Run) => Promise<void>;
}

/** Runs works on rows of this extent, telling of each as it is done. */
async function measure(works: readonly Work[], extent: Extent, { isDoubtful = () => false, onSection = async () => undefined }: Listeners = {}): Promise<Run> {
  const started = performance.now();
  const bench = await Bench.open(extent);
  const rows = Object.entries(bench.dataset.sizes).map(([name, count]) => `${count.toLocaleString('en')} ${name}`).join(', ');
  const facts = async (): Promise<Run['facts']> => {
    const duration = `${((performance.now() - started) / MILLISECONDS_PER_MINUTE).toFixed(0)} minutes, ${extent.rounds} rounds of ${extent.seconds} s a contender`;
    return { ...(await machineFacts(bench.cluster.version)), rows, duration };
  };
  try {
    const sections: Section[] = [];
    for (const work of works) {
      say(`${work.name} …`);
      const begun = performance.now();
      let section = await run(work, bench);
      if (isDoubtful(section)) {
        say(`${work.name} once more …`);
        section = await run(work, bench);
      }
      sections.push(section);
      say(`${work.name}: ${((performance.now() - begun) / MILLISECONDS_PER_SECOND).toFixed(0)} s`);
      console.log(`\n${sectionText(section)}`);
      await onSection({ sections, facts: await facts() });
    }
    return { sections, facts: await facts() };
  } finally {
    await bench.stop();
  }
}

/** Fails the run where a goal is missed. */
function requireGoals({ sections }: Run): void {
  const missed = missedGoals(sections);
  for (const sentence of missed) console.error(sentence);
  if (missed.length > 0) process.exitCode = 1;
}

/** The full run, which writes the report: after each work, so that what was measured is not lost where the run is ended. */
async function full(): Promise<void> {
  const onSection = ({ sections, facts }: Run): Promise<void> => writeReport(sections, facts, WORKS.slice(sections.length).map(({ name }) => name));
  const run = await measure(WORKS, FULL, { onSection });
  say('Written: docs/performance.md');
  requireGoals(run);
}

/** Works by their names. Goals are for the full rows: on fewer they are shown, and fail nothing. */
async function single(works: readonly Work[], extent: Extent): Promise<void> {
  const run = await measure(works, extent);
  if (extent === FULL) requireGoals(run);
}

/** The form for CI: fails where a ratio is worse than it was recorded, and is so again when its work is done once more. */
async function short(): Promise<void> {
  const recordedOf = await recordedRatios(PROCESSOR);
  const { sections } = await measure(SHORT_WORKS, SHORT, { isDoubtful: (section) => worseThan(recordedOf, section).length > 0 });
  const worse = sections.flatMap((section) => worseThan(recordedOf, section));
  for (const sentence of worse) console.error(sentence);
  if (worse.length > 0) process.exitCode = 1;
}

/** Records what the short form compares with. */
async function recordShort(): Promise<void> {
  const { sections, facts } = await measure(SHORT_WORKS, SHORT);
  await record(PROCESSOR, sections, facts['date'] ?? '');
  say('Written: bench/recorded.json');
}

// What was made for the run goes with it, however it ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const named = process.argv.slice(2);
const [command, subject = ''] = named;
/** What one work or a profile is run on. */
const extent = process.env['BENCH_EXTENT'] === 'short' ? SHORT : FULL;
const wanted = WORKS.filter(({ name }) => named.includes(name));
if (command === undefined) await full();
else if (command === 'short') await (subject === 'record' ? recordShort() : short());
else if (command === 'profile') await profile(subject, extent);
else if (command === 'uploads') await uploads();
else if (wanted.length === named.length) await single(wanted, extent);
else throw new Error(`There is no benchmark ${named.join(' ')}: ${[...WORKS.map(({ name }) => name), 'short', 'profile', 'uploads'].join(', ')}.`);
