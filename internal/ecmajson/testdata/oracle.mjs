// Reads one base64 text a line and answers each with a line: the base64 of
// JSON.stringify(JSON.parse(text)), or "!" where JSON.parse refuses the text.
import { createInterface } from "node:readline";

let answers = [];
const flush = () => {
  if (answers.length) process.stdout.write(answers.join("\n") + "\n");
  answers = [];
};
for await (const line of createInterface({ input: process.stdin })) {
  let value;
  try {
    value = JSON.parse(Buffer.from(line, "base64").toString("utf8"));
  } catch {
    answers.push("!");
    continue;
  }
  answers.push(Buffer.from(JSON.stringify(value), "utf8").toString("base64"));
  if (answers.length === 1000) flush();
}
flush();
