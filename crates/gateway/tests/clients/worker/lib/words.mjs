import { loud } from "../lib/loud.mjs";
export const words = loud("first");
