// Makes worker.wasm of worker.js and the world in wit/.
import { readFile, writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const source = await readFile("worker.js", "utf8");
const { component } = await componentize(source, { witPath: "wit", worldName: "worker" });
await writeFile("worker.wasm", component);
