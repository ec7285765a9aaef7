// node engine-check.mjs <qjs binary>: copies the platform beside a small host for plain qjs and runs qjs-smoke.js.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'platform-'));
mkdirSync(join(work, 'platform'));
for (const name of readdirSync(join(here, '../platform'))) {
  const text = readFileSync(join(here, '../platform', name), 'utf8');
  writeFileSync(join(work, 'platform', name), text
    .replaceAll("'switchyard:host'", "'../switchyard-host.js'")
    .replaceAll("'cloudflare:workers'", "'./cloudflare-workers.js'")
    .replaceAll("'platform:", "'./"));
}
cpSync(join(here, 'qjs-host.js'), join(work, 'switchyard-host.js'));
cpSync(join(here, 'qjs-smoke.js'), join(work, 'smoke.js'));
try {
  execFileSync(process.argv[2], ['-m', join(work, 'smoke.js')], { stdio: 'inherit' });
} finally {
  rmSync(work, { recursive: true });
}
