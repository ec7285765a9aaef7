// `node:assert/strict`.
export * from 'node:assert';
export { strict as default } from 'node:assert';
