// Assembles each WebAssembly program, src/**/NAME.wat, into dist/src/**/NAME.wasm.js: a module whose default export are its bytes, so that it is imported,
// and bundled, as any other. The compiler has made the folders: beside each program stands the module that uses it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const root = fileURLToPath(new URL('..', import.meta.url));
const { parseWat } = await wabt();

for (const name of readdirSync(join(root, 'src'), { recursive: true })) {
  if (!name.endsWith('.wat')) continue;
  const program = parseWat(name, readFileSync(join(root, 'src', name), 'utf8'), { bulk_memory: true });
  program.validate();
  const text = Buffer.from(program.toBinary({}).buffer).toString('base64');
  const target = join(root, 'dist', 'src', name.replace(/\.wat$/, '.wasm.js'));
  writeFileSync(target, `export default Buffer.from('${text}', 'base64');\n`);
}
