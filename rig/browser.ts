/** A real browser without a window: the system's Chromium. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const PLACES: readonly string[] = ['/usr/bin/chromium', '/usr/bin/chromium-browser'];

export function findBrowser(): string | undefined {
  return [process.env['CHROMIUM'] ?? '', ...PLACES].find((path) => path !== '' && existsSync(path));
}

/** Without its own sandbox, which needs rights that containers do not give: it sees only pages of ours. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}
