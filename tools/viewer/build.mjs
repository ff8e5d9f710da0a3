// Bundle the viewer into the Python package: npm ci && npm run build
import { build } from 'esbuild';
import { copyFile, readFile, writeFile } from 'node:fs/promises';

const assets = '../../motion/render/assets';
const bundle = `${assets}/viewer.js`;

await build({
  entryPoints: ['src/main.js'],
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2022'],
  charset: 'ascii',
  legalComments: 'none',
  banner: { js: '/* three.js, MIT licence, (c) three.js authors: see THREE_LICENSE.txt; built from tools/viewer */' },
  outfile: bundle,
});
// The bundle stands inside a <script> element of the page.
const text = await readFile(bundle, 'utf8');
await writeFile(bundle, text.replaceAll('</script', '<\\/script'));
await copyFile('node_modules/three/LICENSE', `${assets}/THREE_LICENSE.txt`);
