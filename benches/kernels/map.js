// Map and Set: words are counted, records are joined and grouped.
const words = Array.from({ length: 3000 }, (_, i) => `word${(i * 7919) % 613}`);

export function run() {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const byId = new Map(words.map((word, i) => [i, { id: i, word }]));
  let joined = 0;
  for (let i = 0; i < 3000; i += 2) if (byId.has(i) && byId.get(i).word.length > 5) joined++;
  const seen = new Set();
  for (const { id, word } of byId.values()) if (id % 3) seen.add(word);
  const groups = {};
  for (const [word, count] of counts) (groups[count] ??= []).push(word);
  for (let i = 0; i < 1000; i++) byId.delete(i);
  return `${counts.size} ${joined} ${seen.size} ${Object.keys(groups).length} ${byId.size}`;
}
