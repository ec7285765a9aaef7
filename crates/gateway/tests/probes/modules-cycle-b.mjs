// The other half: it runs first, and what it imports is not there yet.
import { a } from './modules-cycle-a.mjs';
export const b = 'b';
export const readA = () => a;
try { readA.before = a } catch (error) { readA.before = error.name }
