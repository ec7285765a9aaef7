// Exports of another module, and one that hides another's.
export * from './modules-leaf.mjs';
export * as all from './modules-leaf.mjs';
export { default as leaf } from './modules-leaf.mjs';
export const own = 'own';
export const increase = 'hides';
