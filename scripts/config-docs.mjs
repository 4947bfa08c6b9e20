// Writes docs/configuration.md from the table of directives: `npm run build && node scripts/config-docs.mjs`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configurationPage } from '../dist/src/server/config/documentation.js';

const docs = fileURLToPath(new URL('../docs', import.meta.url));
mkdirSync(docs, { recursive: true });
writeFileSync(join(docs, 'configuration.md'), configurationPage());
