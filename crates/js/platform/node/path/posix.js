// `node:path/posix`.
export * from 'node:path';
export { posix as default } from 'node:path';
