// Evaluated at its first import, by a handler.
const tried = (run) => { try { return run() } catch (error) { return `${error.name}: ${error.message}` } };
export const outcome = [tried(() => eval('1')), tried(() => setTimeout(() => {}, 1)), tried(() => Date.now()), tried(() => crypto.randomUUID()), tried(() => typeof Math.random()), tried(() => new Response('x'))];
