// A module of many exports.
export let counter = 1;
export function increase() { counter++; }
const renamed = 'renamed';
export { renamed, renamed as 'a string' };
export default function () { return 'default'; }
export const meta = () => import.meta;
