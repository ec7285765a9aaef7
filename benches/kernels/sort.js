// Sorting: numbers by a comparator, records by two fields, strings as they are.
const numbers = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 10007);
const names = numbers.map((n) => `name-${n.toString(36)}`);

export function run() {
  const byNumber = numbers.slice().sort((a, b) => a - b);
  const records = numbers.map((n, i) => ({ id: i, group: n % 17, name: names[i] }));
  records.sort((a, b) => a.group - b.group || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const byName = names.slice().sort();
  return `${byNumber[500]} ${records[500].id} ${byName[500]}`;
}
