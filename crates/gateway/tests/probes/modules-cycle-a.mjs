// One half of a cycle.
import { b, readA } from './modules-cycle-b.mjs';
export const a = `a after ${b} which saw ${readA.before}`;
export const readB = () => `${b} and ${readA()}`;
