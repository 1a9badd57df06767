// nodewriter.mjs HOME: appends the JSONL events on standard input as an existing Node install would.
import { mkdirSync, readFileSync } from "node:fs";
import { lockedAppend } from "./lockedappend.mjs";

const home = process.argv[2];
mkdirSync(home, { recursive: true });
for (const line of readFileSync(0, "utf8").split("\n")) if (line) lockedAppend(home, JSON.parse(line));
