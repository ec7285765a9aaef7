// JSON: 100 KB of an API's answer is read, changed a little and written.
const people = Array.from({ length: 464 }, (_, i) => ({
  id: i,
  name: `Person number ${i}`,
  email: `person.${i}@example.com`,
  active: i % 3 === 0,
  score: i * 1.25,
  tags: ['alpha', 'beta', `tag-${i % 7}`],
  address: { street: `${i} High Street`, city: 'Springfield', zip: 10000 + i, note: i % 10 ? null : 'says "hello"\n' },
}));
const text = JSON.stringify({ total: people.length, people });

export function run() {
  const answer = JSON.parse(text);
  answer.people[7].name = 'Seven';
  return `${text.length} ${JSON.stringify(answer).length}`;
}
