// Tells all that an upload is made of: its other modules, and its variables and secrets.
import raw from "./data/raw.bin";
import { words } from "./lib/words.mjs";
import note from "./note.txt";

export default {
  fetch(request, env) {
    return Response.json({ words, note, raw: [...new Uint8Array(raw)], env });
  },
};
