// Follow a stream with Node's EventSource package: each event is printed as a line of JSON, until
// the package has given up for good or stdin ends. Arguments: the package's script, the URL.
import { pathToFileURL } from "node:url";

const [script, url] = process.argv.slice(2);
const { EventSource } = await import(pathToFileURL(script));
const source = new EventSource(url);

for (const type of ["hello", "reset", "job", "stage", "progress", "log", "shutdown", "end"]) {
  source.addEventListener(type, ({ data, lastEventId }) => {
    console.log(JSON.stringify({ ...JSON.parse(data), id: lastEventId }));
  });
}
source.addEventListener("error", ({ code }) => {
  const isOver = source.readyState === EventSource.CLOSED;
  console.log(JSON.stringify({ type: isOver ? "closed" : "lost", code }));
  if (isOver) process.exit();
});
process.stdin.on("end", () => process.exit()).resume();
