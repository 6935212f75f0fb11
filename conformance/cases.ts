/** Runs the cases of a suite one after the other: one line each, then "N passed, N failed". */

export async function runCases(
  suite: string,
  cases: Readonly<Record<string, () => Promise<void>>>,
): Promise<void> {
  let failed = 0;
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run();
      console.log(`  ok     ${suite} ${name}`);
    } catch (error) {
      failed++;
      const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
      console.log(`  FAILED ${suite} ${name}\n${shown.replaceAll(/^/gm, '         ')}`);
    }
  }
  console.log(`${Object.keys(cases).length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
